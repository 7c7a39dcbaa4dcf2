"""The page of a pull request: everything in its place, nothing hostile alive."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx

from bot.local_github.page.code import lines_of
from bot.local_github.page.markdown import Replaced, first_line, render

from .conftest import Stage

VOID = {"meta", "path", "circle", "rect", "br", "col", "link", "img", "hr"}


class Tags(HTMLParser):
    """Checks that tags are closed in order, and keeps what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts, self.loads, self.ids = 0, list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.scripts += tag == "script"
        self.loads += [str(given[key]) for key in ("src", "srcset", "data") if key in given]
        self.ids += [str(given["id"])] if "id" in given else []
        assert not [key for key in given if key.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


def page(stage: Stage, path: str = "pull/1") -> httpx.Response:
    return httpx.get(f"{stage.github.url}/acme/shop/{path}", trust_env=False)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def complete(stage: Stage) -> None:
    output = {"title": "One finding", "summary": "| a | b |\n|---|---|\n| 1 | 2 |", "annotations": []}
    note = {"path": "a.py", "start_line": 5, "end_line": 5, "annotation_level": "failure", "message": "Look here."}
    body = {"name": "cliffguard", "head_sha": stage.pull.head_sha, "conclusion": "failure"}
    stage.bot.post(f"{stage.path}/check-runs", json={**body, "output": {**output, "annotations": [note]}})


def test_a_pull_request_before_its_review(stage: Stage) -> None:
    answer = page(stage)
    tags, shown = parse(answer.text), words(answer.text)
    assert answer.status_code == 200
    assert "Change things #1" in shown
    assert "acme wants to merge 1 commit into main from feature" in shown
    assert "No checks yet" in shown
    assert "<em>words</em>" in answer.text
    assert (tags.scripts, tags.loads) == (1, [])  # it looks for news
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(tags.ids) == len(set(tags.ids))


def test_a_reviewed_pull_request(stage: Stage) -> None:
    text = "**N+1 query**\n\n```suggestion\nsix\nseven\n```\n<!-- cliffguard:n_plus_one:unseen -->"
    stage.review({"path": "a.py", "line": 5, "side": "RIGHT", "body": text}, body="Summary <!-- unseen -->words")
    complete(stage)
    answer = page(stage)
    tags = parse(answer.text)
    assert tags.scripts == 0
    assert "unseen" not in answer.text
    shown = words(answer.text)
    assert "Some checks were not successful" in shown
    assert "1 annotation" in shown
    assert "Look here." in shown
    assert "Suggested change 5−five5+six6+seven" in re.sub(r"Suggested change ?", "Suggested change ", shown)
    row = answer.text.index('<td class="num">5</td><td class="src"><span class="mark">+</span>')
    comment = answer.text.index("Suggested change")
    assert row < comment < answer.text.index('<td class="num">6</td>', row)
    assert 'id="d' in answer.text


def test_hostile_text_stays_text(stage: Stage) -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3)) ![p](https://evil.example/p.png)"
    stage.review({"path": "a.py", "line": 5, "body": f"{evil}\n\n```suggestion\n</td><script>x</script>\n```"}, body=evil)
    stage.github.comment(stage.pull, f"{evil}<!-- never closed <b>", "mallory")
    stage.pull.title = "<b>Bold</b> \"title'"
    complete(stage)
    answer = page(stage)
    tags = parse(answer.text)
    assert (tags.scripts, tags.loads) == (0, [])
    assert "&lt;script&gt;alert(1)" in answer.text
    assert 'href="javascript' not in answer.text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in answer.text


def test_outdated_resolved_and_hidden_comments(stage: Stage) -> None:
    stage.review({"path": "b.py", "line": 2, "body": "Old remark"}, {"path": "a.py", "line": 5, "body": "Other remark"})
    stage.pull.review_comments[1].minimized = "outdated"
    stage.pull.review_comments[1].thread.resolved_by = stage.github.world.account("mira")
    stage.source.write({"b.py": "print('new')\n"}, "Shorten")
    stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    shown = words(page(stage).text)
    assert "Outdated Old remark" in shown
    assert "comment hidden as outdated" in shown
    assert "Resolved" in shown


def test_the_page_tells_when_it_has_news(stage: Stage) -> None:
    url = f"{stage.github.url}/acme/shop/pull/1"
    tags = []
    for _ in range(2):
        tags += [httpx.head(url, trust_env=False).headers["etag"] for _ in range(2)]
        complete(stage)
    assert tags[0] == tags[1] != tags[2] == tags[3]


def test_the_other_pages(stage: Stage) -> None:
    complete(stage)
    (run,) = stage.github.check_runs(stage.repository, stage.pull.head_sha)
    for path in ("", "/acme/shop", "/acme/shop/pulls"):
        listed = httpx.get(f"{stage.github.url}{path}", trust_env=False)
        assert "Change things" in listed.text
        parse(listed.text)
    moved = page(stage, f"runs/{run.id}")
    assert moved.headers["location"] == "/acme/shop/pull/1#checks"
    file = page(stage, f"blob/{stage.pull.head_sha}/b.py")
    assert 'id="L2"' in file.text
    for path in ("pull/9", "runs/9", f"blob/{stage.pull.head_sha}/none.py", "blob/--x/a.py"):
        assert page(stage, path).status_code == 404


def test_colours_keep_every_line() -> None:
    text = "def f():\n    '''a\n    b'''\n    return '<b>'\n"
    lines = lines_of(text, "a.py")
    assert len(lines) == len(text.split("\n"))
    assert [words(line) for line in lines][3].strip() == "return &#39;&lt;b&gt;&#39;"
    assert lines_of("<b>", "x.unknown") == ("&lt;b&gt;",)


def test_markdown_as_github_shows_it() -> None:
    assert render("a <!-- x --> b") == "<p>a  b</p>\n"
    assert "<details>" in render("<details>\n<summary>More</summary>\n\ntext\n\n</details>")
    assert "&lt;details onclick" in render("<details onclick=x>")
    assert "<!-- kept -->" not in render("`<!-- kept -->`")
    assert "&lt;!-- kept --&gt;" in render("`<!-- kept -->`")
    empty = render("```suggestion\n```", Replaced("a.py", ("gone",), 4))
    assert 'class="del"' in empty
    assert 'class="add"' not in empty
    assert "cannot be applied" in render("```suggestion\nx\n```", Replaced("a.py", (), 1, applicable=False))
    assert first_line("<!-- m -->\n## **Bold** `a_b_c` <i>\nmore") == "<strong>Bold</strong> <code>a_b_c</code> &lt;i&gt;"
