"""The training doctor: rules that read records, and what they find."""

from deltarule.doctor.attempt import Attempt
from deltarule.doctor.case import Case, DataFacts, Hints, LayerFacts, Scores, Validation
from deltarule.doctor.diagnosis import Diagnosis, DiagnosisWarning, diagnose, rules
from deltarule.doctor.finding import Finding, Rule, Seen

__all__ = [
    "Attempt",
    "Case",
    "DataFacts",
    "Diagnosis",
    "DiagnosisWarning",
    "Finding",
    "Hints",
    "LayerFacts",
    "Rule",
    "Scores",
    "Seen",
    "Validation",
    "diagnose",
    "rules",
]
