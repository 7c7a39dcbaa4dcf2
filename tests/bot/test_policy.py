"""What a review means for the check run."""

from __future__ import annotations

import pytest

from analyzers import Confidence, Finding, Place, Problem, Review, Severity, Span, read_settings
from bot.policy import Gate, conclude, incomplete


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
    concluded = conclude(Review(new=(finding(severity, confidence),)), Gate(fail_on))
    assert concluded.conclusion == conclusion
    assert "1 new finding" in concluded.title


@pytest.mark.parametrize(
    ("rules", "severity", "conclusion", "words"),
    [
        (b"rules: {blocks: [n_plus_one]}", "low", "failure", "1 new finding that fails the check here"),
        (b"rules: {comments: [n_plus_one]}", "critical", "success", "none fails the check"),
        (b"rules: {lists: [n_plus_one]}", "critical", "success", "none fails the check"),
        (b"fail_on: low", "low", "failure", "of severity low or above"),
    ],
)
def test_a_rule_may_have_a_level_of_its_own(rules: bytes, severity: str, conclusion: str, words: str) -> None:
    settings, _ = read_settings({".cliffguard.yml": rules})
    concluded = conclude(Review(new=(finding(severity),)), Gate("high", settings))
    assert concluded.conclusion == conclusion
    assert words in concluded.title
    possible = conclude(Review(new=(finding(severity, "possible"),)), Gate("high", settings))
    assert possible.conclusion == "success"


def test_the_folder_of_a_finding_decides_what_fails() -> None:
    settings, _ = read_settings({".cliffguard.yml": b"fail_on: never", "shop/.cliffguard.yml": b"fail_on: medium"})
    assert conclude(Review(new=(finding("medium"),)), Gate("high", settings)).conclusion == "failure"
    settings, _ = read_settings({".cliffguard.yml": b"fail_on: medium", "shop/.cliffguard.yml": b"fail_on: never"})
    assert conclude(Review(new=(finding("critical"),)), Gate("high", settings)).conclusion == "success"


def test_mistakes_of_the_configuration_are_no_unread_files() -> None:
    concluded = conclude(Review(problems=(Problem("a/.cliffguard.yml", 3, "?"),)), Gate("high"))
    assert concluded.title == "No new findings; 1 notice about the configuration"


def test_old_fixed_and_accepted_findings_never_fail() -> None:
    assert conclude(Review(kept=(finding("critical"),), fixed=(finding("critical"),)), Gate("low")).conclusion == "success"


def test_the_failure_names_the_worst_and_counts_the_others() -> None:
    concluded = conclude(Review(new=(finding(title="Worst"), finding(), finding("low"))), Gate("high"))
    assert concluded.title == "2 new findings of severity high or above, 1 more"
    assert "Worst and 1 other" in concluded.explanation


def test_unread_files_are_in_the_title_whatever_the_conclusion() -> None:
    problems = (Problem("a.py", 3, "syntax"), Problem("a.py", 9, "syntax"), Problem("b.php", 0, "too large"))
    for new in ((), (finding(),), (finding("low"),)):
        assert "2 files not fully analysed" in conclude(Review(new=new, problems=problems), Gate("high")).title
    assert "2 files could not be analysed" in conclude(Review(problems=problems), Gate("high")).explanation


def test_an_incomplete_analysis_is_not_a_pass() -> None:
    concluded = conclude(Review(problems=(Problem("", 0, "The rule n_plus_one failed."),)), Gate("high"))
    assert concluded.conclusion == "neutral"
    assert "n_plus_one failed" in concluded.explanation
    assert conclude(Review(new=(finding(),), problems=(Problem("", 0, "x"),)), Gate("high")).conclusion == "failure"


def test_a_clean_review_says_so() -> None:
    assert conclude(Review(), Gate("high")).title == "No new findings"
    assert conclude(Review(), Gate("high")).conclusion == "success"
    assert Gate("never").blocking((finding(),)) == []
    assert incomplete("because").conclusion == "neutral"
