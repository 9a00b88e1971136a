"""Training that ends while the loss still falls.

What is seen: by how much the loss fell in the last quarter of the epochs (where tol ended it: in
the epochs it waited) compared with as many before, and what share of its whole fall that is;
whether max_iter or tol ended it, and after how many steps.
What it means: see MEANING.
How sure: certain where the loss fell by 15 % there, or by 15 % of its whole fall, or a low
max_iter, a large tol or little patience allowed less than 60 steps; not below 3 % and 5 %, where it
rose in many of these epochs, and from 400 steps.  Less sure after thousands of steps: what is slow
for so long has another cause.  Of a network that knows its own rows nearly as plain models know
others, only where the loss fell by 10 %.
Repairs: several times as many epochs; no stop by tol.
Side effects: training takes longer; a validation set tells when it becomes too long.
Source: Prechelt 1998, Early stopping - but when?
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import (
    falling,
    recent_fall,
    rising,
    stopped_by_limit,
    total_steps,
    worst_loss,
)
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import Epochs, LearningRate, Repair, Setting
from deltarule.language import Text

MEANING = Text(
    "The network was on its way: it had not yet learned what it can, and went on learning when "
    "training was ended.",
    "网络还在进步：能学的还没有学完，训练就结束了。",
)


def look(case: Case) -> Seen | None:
    """A loss that falls steadily up to the end."""
    epochs, (fall, of_whole) = len(case.history), recent_fall(case)
    s = case.scores
    on_its_way = s.fails and s.reference - s.train > 0.02 and fall > 0.1
    if not (s.underfits or on_its_way) or not epochs or case.settings.get("failure"):
        return None
    by_limit, steps = stopped_by_limit(case), total_steps(case)
    tol = float(case.settings.get("tol", 0.0))
    end_en = "max_iter ended it" if by_limit else f"tol={tol:g} ended it"
    end_zh = "因达到 max_iter 而结束" if by_limit else f"因 tol={tol:g} 而结束"
    words = Text(
        f"In the last of its {epochs} epochs ({steps:.0f} steps) the loss "
        f"still fell by {fall:.1%} (below 2% is settled), {of_whole:.0%} of all it had fallen "
        f"(below 5% is settled), when {end_en}.",
        f"训练共 {epochs} 轮（{steps:.0f} 步），{end_zh}；"
        f"最后几轮损失仍下降了 {fall:.1%}（低于 2% 才算稳定），"
        f"占全部降幅的 {of_whole:.0%}（低于 5% 才算稳定）。",
    )
    rate = float(case.settings.get("learning_rate_init", 1e-3))
    longer: list[Repair] = [Epochs(max(10 * epochs, 100)), LearningRate(3 * rate)]
    if not by_limit:
        longer.insert(0, Setting("tol", tol / 1000))
    falls = max(rising(fall, 0.03, 0.15), rising(of_whole, 0.05, 0.15) * (fall > 0.01))
    patience = float(case.settings.get("n_iter_no_change", 10))
    hasty = by_limit or tol > 1e-3 or patience < 5
    few = falling(steps, 400, 60) * hasty * (worst_loss(case) < 1.2)
    return Seen(
        words,
        0.95 * max(falls * (1 - 0.2 * rising(steps, 300, 3000)), few),
        epoch=epochs - 1,
        numbers={"fall": fall, "of_whole": of_whole, "epochs": epochs},
        repairs=tuple(longer),
    )


RULE = Rule(
    code="too_few_epochs",
    title=Text("Training ended too early", "训练过早结束"),
    meaning=MEANING,
    look=look,
    rank=50,
    repairs=(Epochs(500),),
    source="Prechelt 1998",
)
