"""What a review means for the check run."""

from __future__ import annotations

import pytest

from analyzers import Confidence, Finding, Place, Problem, Review, Severity, Span
from bot.policy import blocking, conclude, incomplete


def finding(severity: str = "high", confidence: str = "likely", title: str = "1 + N queries") -> Finding:
    place = Place("shop/views.py", Span(1, 1, 1, 2))
    return Finding(
        "n_plus_one", "s", title, "m", "", "r", "", "", place, severity=Severity(severity), confidence=Confidence(confidence)
    )


@pytest.mark.parametrize(
    ("fail_on", "severity", "confidence", "conclusion"),
    [
        ("high", "critical", "certain", "failure"),
        ("high", "high", "likely", "failure"),
        ("high", "high", "possible", "success"),
        ("high", "medium", "certain", "success"),
        ("low", "low", "likely", "failure"),
        ("critical", "high", "certain", "success"),
        ("never", "critical", "certain", "success"),
    ],
)
def test_only_what_is_bad_and_sure_enough_fails(fail_on: str, severity: str, confidence: str, conclusion: str) -> None:
    concluded = conclude(Review(new=(finding(severity, confidence),)), fail_on)
    assert concluded.conclusion == conclusion
    assert "1 new finding" in concluded.title


def test_old_fixed_and_accepted_findings_never_fail() -> None:
    assert conclude(Review(kept=(finding("critical"),), fixed=(finding("critical"),)), "low").conclusion == "success"


def test_the_failure_names_the_worst_and_counts_the_others() -> None:
    concluded = conclude(Review(new=(finding(title="Worst"), finding(), finding("low"))), "high")
    assert concluded.title == "2 new findings of severity high or above, 1 more"
    assert "Worst and 1 other" in concluded.explanation


def test_unread_files_are_in_the_title_whatever_the_conclusion() -> None:
    problems = (Problem("a.py", 3, "syntax"), Problem("a.py", 9, "syntax"), Problem("b.php", 0, "too large"))
    for new in ((), (finding(),), (finding("low"),)):
        assert "2 files not fully analysed" in conclude(Review(new=new, problems=problems), "high").title
    assert "2 files could not be analysed" in conclude(Review(problems=problems), "high").explanation


def test_an_incomplete_analysis_is_not_a_pass() -> None:
    concluded = conclude(Review(problems=(Problem("", 0, "The rule n_plus_one failed."),)), "high")
    assert concluded.conclusion == "neutral"
    assert "n_plus_one failed" in concluded.explanation
    assert conclude(Review(new=(finding(),), problems=(Problem("", 0, "x"),)), "high").conclusion == "failure"


def test_a_clean_review_says_so() -> None:
    assert conclude(Review(), "high").title == "No new findings"
    assert conclude(Review(), "high").conclusion == "success"
    assert blocking((finding(),), "never") == []
    assert incomplete("because").conclusion == "neutral"
