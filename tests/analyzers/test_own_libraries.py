"""What a repository says of its own libraries: nothing is told of them without it, and elsewhere nothing with it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

import pytest

import analyzers
from analyzers import Revision, Settings, read_settings

MODELS = """
from django.db import models


class Author(models.Model):
    name = models.TextField()


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
"""

ROUTE = """
import acme_http
from flask import Flask

app = Flask(__name__)


@app.route("/rates")
def rates():
    return acme_http.get("https://rates.example.com/today").text
"""

HTTP = """
libraries:
  - library: python
    work:
      - kind: http
        does: asks another service by way of Acme
        calls: [acme_http.get]
        timeout: [timeout]
        endless: true
"""


class Blobs:
    def __init__(self, files: dict[str, str]) -> None:
        self._files = {path: textwrap.dedent(text).lstrip("\n").encode() for path, text in files.items()}
        self.revision = Revision("", {path: path for path in files})

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((path, self._files[path]) for path in blob_ids)


def found(files: dict[str, str], said: str = "") -> list[str]:
    """The rules of what is found, by a configuration without mistakes."""
    settings, problems = read_settings({".cliffguard.yml": said.encode()} if said else {}, known_rules=analyzers.RULES)
    assert not problems
    blobs = Blobs(files)
    return [one.rule for one in analyzers.audit(blobs.revision, blobs, settings=settings).review.new]


def shop(views: str) -> dict[str, str]:
    return {"shop/models.py": MODELS, "shop/views.py": views}


SAID = {
    "a call that waits": ("sync_work", {"app.py": ROUTE}, HTTP),
    "a base class of models": (
        "n_plus_one",
        {
            "shop/models.py": """
                from acme.db import OwnerField, Record, TextField


                class Author(Record):
                    name = TextField()


                class Book(Record):
                    author = OwnerField(Author)
            """,
            "shop/views.py": """
                from shop.models import Book


                def names():
                    return [book.author.name for book in Book.objects.all()]
            """,
        },
        """
        libraries:
          - library: django
            models:
              bases: [acme.db.Record]
              columns: {acme.db.TextField: {role: text}}
              relations: {acme.db.OwnerField: {indexed: true}}
        """,
    ),
    "a field that is a relation": (
        "n_plus_one",
        {
            "shop/models.py": MODELS.replace("models.ForeignKey(Author", "OwnerField(Author")
            + "\nfrom acme.fields import OwnerField\n",
            "shop/views.py": """
                from shop.models import Book


                def names():
                    return [book.author.name for book in Book.objects.all()]
            """,
        },
        "libraries: [{library: django, models: {relations: {acme.fields.OwnerField: {indexed: true}}}}]",
    ),
    "a function that fetches a row": (
        "n_plus_one",
        shop(
            """
            from acme.shortcuts import get_or_none
            from shop.models import Author, Book


            def names():
                return [get_or_none(Author, pk=b.author_id) for b in Book.objects.all()]
            """
        ),
        "libraries: [{library: django, fetchers: {acme.shortcuts.get_or_none: 0}}]",
    ),
    "a class that pages rows": (
        "n_plus_one",
        shop(
            """
            from acme.pages import AcmePaginator
            from shop.models import Book


            def names():
                return [book.author.name for book in AcmePaginator(Book.objects.all())]
            """
        ),
        "libraries: [{library: django, transparent: {acme.pages.AcmePaginator: 0}}]",
    ),
    "a method of queries": (
        "n_plus_one",
        shop(
            """
            from shop.models import Book


            def names():
                return [book.author.name for book in Book.objects.visible_to_all()]
            """
        ),
        "libraries: [{library: django, rows: {methods: {visible_to_all: {returns: rows}}}}]",
    ),
    "a method that runs a statement": (
        "n_plus_one",
        shop(
            """
            import acme_db
            from shop.models import Book


            def names():
                books = Book.objects.all()
                return [acme_db.run_now("SELECT name FROM shop_author WHERE id = %s", book.author_id) for book in books]
            """
        ),
        "libraries: [{library: django, driver_calls: [run_now]}]",
    ),
    "a function that runs a statement": (
        "n_plus_one",
        {
            "names.php": """
                <?php
                foreach (mysqli_query($db, "SELECT * FROM book") as $book) {
                    echo acme_query($db, "SELECT name FROM author WHERE id = " . (int) $book["author_id"]);
                }
            """
        },
        "libraries: [{library: php, driver_functions: {acme_query: 1}}]",
    ),
    "a client that nobody closes": (
        "connections",
        {
            "app.py": """
                import acme_bus
                from flask import Flask

                app = Flask(__name__)


                @app.route("/tell")
                def tell():
                    bus = acme_bus.connect("amqp://bus")
                    bus.send("hello")
                    return "told"
            """
        },
        "libraries: [{library: python, clients: {acme_bus.connect: {title: a client of the bus, makes: connection}}}]",
    ),
    "a repository": (
        "n_plus_one",
        {
            "src/Entity/Company.php": r"""
                <?php
                namespace App\Entity;

                use Doctrine\ORM\Mapping as ORM;

                #[ORM\Entity]
                class Company
                {
                    #[ORM\Id]
                    #[ORM\Column]
                    private int $id;

                    #[ORM\ManyToOne(targetEntity: Company::class)]
                    private ?Company $parent = null;

                    #[ORM\Column]
                    private string $name = '';

                    public function getParent(): ?Company
                    {
                        return $this->parent;
                    }

                    public function getName(): string
                    {
                        return $this->name;
                    }
                }
            """,
            "src/Repository/CompanyRepository.php": r"""
                <?php
                namespace App\Repository;

                use Acme\Orm\AcmeRepository;
                use App\Entity\Company;
                use Doctrine\Persistence\ManagerRegistry;

                class CompanyRepository extends AcmeRepository
                {
                    public function __construct(ManagerRegistry $registry)
                    {
                        parent::__construct($registry, Company::class);
                    }
                }
            """,
            "src/Service/Names.php": r"""
                <?php
                namespace App\Service;

                use App\Repository\CompanyRepository;

                class Names
                {
                    public function __construct(private CompanyRepository $companies)
                    {
                    }

                    public function all(): array
                    {
                        $found = [];
                        foreach ($this->companies->load('active') as $company) {
                            $found[] = $company->getParent()->getName();
                        }

                        return $found;
                    }
                }
            """,
        },
        r"""
        libraries:
          - library: doctrine
            rows:
              repository_bases: [Acme\Orm\AcmeRepository]
              methods: {load: {returns: new, runs: true}}
        """,
    ),
}


@pytest.mark.parametrize("what", SAID)
def test_what_is_said_of_a_library_is_known(what: str) -> None:
    rule, files, said = SAID[what]
    assert rule not in found(files)
    assert rule in found(files, textwrap.dedent(said))
    assert rule not in found(files), "the next repository is another"


def test_functions_of_an_own_queue_wait_for_nobody() -> None:
    """Work that another process does is none of a request."""
    files = {
        "app.py": """
            import acme_jobs
            import requests
            from flask import Flask

            app = Flask(__name__)


            @acme_jobs.task
            def fetch(url):
                requests.post(url, timeout=5)


            @app.route("/rates")
            def rates():
                fetch("https://rates.example.com/today")
                return "asked"
        """
    }
    said = """
    libraries:
      - library: celery
        handlers: [{kind: task, marks: [acme_jobs.task], queues: true}]
    """
    assert found(files) == ["sync_work"]
    assert not found(files, textwrap.dedent(said))


class Kept(dict[str, bytes]):
    """A store of what is remembered."""

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: self[key] for key in keys if key in self}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.update(items)


def test_what_is_remembered_is_of_what_was_known() -> None:
    """Two repositories with the same files share a store, and one of them says what its library does."""
    store, blobs = Kept(), Blobs({"app.py": ROUTE})
    knowing, _ = read_settings({".cliffguard.yml": HTTP.encode()})
    for settings, count in ((Settings(), 0), (knowing, 1), (Settings(), 0), (knowing, 1)):
        review = analyzers.compare(Revision("", {}), blobs.revision, blobs, store=store, settings=settings).review
        assert [one.rule for one in review.new] == ["sync_work"] * count


def test_what_adds_nothing_to_what_is_known_says_so() -> None:
    wrong = b"""
libraries:
  - library: redis
    models: {bases: [acme.Model]}
  - library: django
    fetchers: {"acme get": 0, acme.get: -1, acme.fetch: 1}
    work: [{kind: smoke, does: "<b>@all</b>"}]
    passing: {later: ["{0}"]}
    unheard_of: 1
  - models: {}
"""
    settings, problems = read_settings({".cliffguard.yml": wrong})
    lines = [problem.line for problem in problems]
    text = "\n".join(problem.text for problem in problems)
    assert sorted(lines) == [3, 6, 6, 7, 7, 8, 9, 10]
    assert "there is none of it for `redis`" in text
    assert "must be one of archive, document, http" in text
    assert "Unknown key `unheard_of` in `libraries[1]`; allowed are library, models" in text
    assert "`libraries[2]` needs `library`" in text
    assert [one.library for one in settings.libraries] == ["redis", "django"]
    assert settings.libraries[1].fetchers == {"acme.fetch": 1}


def test_aliases_of_aliases_end() -> None:
    names = ", ".join(f"acme.f{n}" for n in range(400))
    bomb = (
        f"libraries:\n  - &a {{library: django, caches: &n [{names}], keepers: *n, slicers: *n, outward: *n}}\n"
        + "  - *a\n" * 500
    )
    settings, problems = read_settings({".cliffguard.yml": bomb.encode()})
    assert [problem.text for problem in problems] == [".cliffguard.yml says too much; what follows is not used."]
    assert len(settings.libraries) < 20


def test_the_organisation_knows_for_all_of_its_repositories() -> None:
    settings, _ = read_settings(
        {".cliffguard.yml": b"libraries: [{library: django, caches: [acme.remember]}]"}, defaults=[HTTP.encode()]
    )
    assert [one.library for one in settings.libraries] == ["python", "django"]


def test_a_folder_does_not() -> None:
    settings, problems = read_settings({"shop/.cliffguard.yml": HTTP.encode()})
    assert not settings.at("shop/app.py").libraries
    assert "`libraries` counts at the root of the repository only" in problems[0].text
