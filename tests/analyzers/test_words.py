"""The words of a file, which tell readers of bodies where they need not look."""

import pytest

from analyzers import frontends
from analyzers.facts.outline import Call, Member, Name, walk
from analyzers.facts.store import FileFacts, Import
from analyzers.model.naming.looked import Importing

SOURCE = b"""
from shop.models import Order as O

def forget(rates):
    rates.cache_clear()  # once a day
    return O.objects.get(pk="time_limit")
"""

PHP = b"<?php $order->items()->get('name'); Order::find(1);"


def test_a_file_has_the_words_of_its_code_its_texts_and_its_comments():
    facts = frontends.read_facts("shop/views.py", SOURCE)
    for word in ("Order", "O", "rates", "cache_clear", "time_limit", "day"):
        assert facts.may_say([word]), word
    for word in ("cache", "clear", "limit", "Orders", "order"):
        assert not facts.may_say([word]), word
    assert facts.may_say(["nothing", "day"])
    assert not facts.may_say([])


def test_of_a_file_whose_words_were_not_read_nothing_is_ruled_out():
    assert FileFacts("python").may_say(["anything"])


@pytest.mark.parametrize(("path", "source"), [("a.py", SOURCE), ("a.php", PHP)])
def test_every_name_of_an_outline_is_a_word(path: str, source: bytes):
    facts = frontends.read_facts(path, source)
    names = [n.id for top in facts.outline for n in walk(top) if isinstance(n, Name)]
    names += [n.name for top in facts.outline for n in walk(top) if isinstance(n, Member)]
    assert any(isinstance(n, Call) for top in facts.outline for n in walk(top))
    assert len(names) > 3
    for name in names:
        assert facts.may_say([name.lstrip("$")]), name


@pytest.mark.parametrize(
    ("path", "name", "means"),
    [
        ("rest_framework", "rest_framework", True),
        ("rest_framework.fields.CharField", "CharField", True),
        ("Illuminate\\Mail\\Mailable", "Mailable", True),
        ("rest_frameworks", "x", False),
        ("my.rest_framework", "x", False),
        ("Illuminate\\Mailer", "x", False),
        ("shop.admin.pages", "x", True),
        ("shop.forms", "OrderForm", True),
        ("shop.forms", "OrderForms", False),
    ],
)
def test_imports_are_meant_by_module_by_word_or_by_name(path: str, name: str, means: bool):
    question = Importing.of({"rest_framework", "Illuminate\\Mail"}, (".admin.",), ("form",))
    assert question.answer([Import("other", "elsewhere", 0), Import(name, path, 0)]) is means
