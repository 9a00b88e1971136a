"""``python -m deltarule``: the console command."""

import sys

from deltarule.cli import main

sys.exit(main())
