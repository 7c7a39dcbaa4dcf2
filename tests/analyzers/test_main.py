"""`python -m analyzers`: a window into every stage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.__main__ import main
from analyzers.frontends import MAX_BYTES

MODELS = """\
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    status = models.CharField(max_length=20, db_index=True)
"""
VIEWS = """\
from shop.models import Order


def order_list(request):
    orders = Order.objects.filter(status="paid")  # cliffguard: ignore[n_plus_one] three rows
    return [order.customer.name for order in orders]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in {"shop/models.py": MODELS, "shop/views.py": VIEWS, "tests/test_shop.py": VIEWS}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_facts_show_what_a_file_says(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["facts", str(shop / "shop" / "views.py")]) == 0
    said = capsys.readouterr().out
    assert "(function order_list\n" in said
    assert "imports\n  Order = shop.models.Order\n" in said
    assert "ignores\n  line 5: n_plus_one three rows\n" in said


def test_facts_show_sql(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE t (a int);\nSELECT a FROM t WHERE b = 1;\n")
    assert main(["facts", str(tmp_path / "a.sql")]) == 0
    said = capsys.readouterr().out
    assert "line 1: CreateTable(table='t'" in said
    assert "line 2: SqlQuery(does='select', tables=('t',), equal=(('t', 'b'),)" in said


def test_facts_show_settings_and_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "compose.yml").write_text("services:\n  db:\n    image: postgres:16\n")
    (tmp_path / "notes.txt").write_bytes(b"\xff\xfe\x00")
    assert main(["facts", str(tmp_path / "compose.yml")]) == 0
    assert "settings\n  services.db.image = postgres:16\n" in capsys.readouterr().out
    assert main(["facts", str(tmp_path / "notes.txt")]) == 0
    assert "language\n  none\n\nproblems\n  line 0: " in capsys.readouterr().out


def test_the_model_shows_tables_reads_and_queries_of_product_code(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", str(shop)]) == 0
    said = capsys.readouterr().out
    assert "  shop_order (called Order) shop/models.py:8\n" in said
    assert "    index (customer_id)\n    index (status)\n" in said
    assert (
        "relations read once per row\n"
        "  Order.customer of many Order\n"
        "    query shop/views.py:5 in shop.views.order_list\n"
        "    loop  shop/views.py:6\n"
        "    read  shop/views.py:6 in shop.views.order_list\n"
    ) in said
    assert "queries\n  shop/views.py:5  shop_order: equal status paid\n" in said
    assert "tests/" not in said


def test_the_model_follows_the_folders_configuration_and_no_links(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / ".cliffguard.yml").write_text("exclude: [shop/views.py]\nfail: never\n")
    (shop / "again").symlink_to(shop / "shop")
    (shop / "views.py").symlink_to(shop / "shop" / "views.py")
    (shop / "gone.py").symlink_to(shop / "nowhere.py")
    (shop / "large.sql").write_bytes(b"-" * (MAX_BYTES + 1))
    assert main(["model", str(shop)]) == 0
    said = capsys.readouterr().out
    assert "views.py" not in said
    assert "problems\n  .cliffguard.yml:2  Unknown key `fail`" in said
    assert "  large.sql:0  " in said


def test_an_empty_folder_means_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "\n"


def test_explain_shows_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "n_plus_one"]) == 0
    assert capsys.readouterr().out.startswith("# N+1 queries\n")


@pytest.mark.parametrize(
    "arguments", [["explain", "n_plus_two"], ["facts", "missing.py"], ["facts", "."], ["model", "missing"], ["model", "a\0b"]]
)
def test_what_cannot_be_done_is_said_in_a_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("python -m analyzers: ")
    assert shown.err.count("\n") == 1


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_bytes(b"#" * (MAX_BYTES + 1))
    assert main(["facts", str(tmp_path / "a.py")]) == 2
    assert "larger than" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "analyzers", "--help"], capture_output=True, text=True, check=True)
    assert "{facts,model,explain}" in done.stdout
