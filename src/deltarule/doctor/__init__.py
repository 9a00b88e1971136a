"""The training doctor: rules that read records, and what they find."""

from deltarule.doctor.case import Case, DataFacts, LayerFacts, Scores
from deltarule.doctor.diagnosis import Diagnosis, diagnose, rules
from deltarule.doctor.finding import Finding, Rule, Seen

__all__ = [
    "Case",
    "DataFacts",
    "Diagnosis",
    "Finding",
    "LayerFacts",
    "Rule",
    "Scores",
    "Seen",
    "diagnose",
    "rules",
]
