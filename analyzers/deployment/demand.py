"""Demand: what the programs of a stack may open at most, term by term."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.values import Amount, Pool, Program, Service, Stack, Surge
from analyzers.deployment.variables import amount, bound

_LASTING = ("web", "worker", "scheduler")
_ADDRESS = re.compile(
    r"(?:^|_)(?:DATABASE|DB|POSTGRES(?:QL)?|PG|MYSQL|MARIADB|SQLALCHEMY)\w*?_?(?:URL|URI|DSN|HOST|ADDR(?:ESS)?|CONNECTION_STRING)$"
)
"""Variables that say where a database is."""

_NO_CLIENT = re.compile(
    r"(?:^|[/_-])(?:nginx|caddy|traefik|haproxy|varnish|redis|valkey|memcached|elasticsearch|opensearch|rabbitmq|kafka|minio"
    r"|mailpit|mailhog|maildev|jaeger|certbot)(?:[:@].*)?$"
)
"""Images, and names of services, that no database has for a client, whatever they share with those that are."""

_POOLED = re.compile(r"(?:^|_)(?:MAX_OPEN(?:_CONN\w*)?|(?:DB|DATABASE|SQL\w*)_(?:POOL(?:_SIZE)?|MAX_CONN\w*))$", re.IGNORECASE)
"""Variables that say how many connections a program may open."""


class Term(msgspec.Struct, frozen=True):
    """What one program of one service may open: replicas x processes x the sum of `each`. While a new version is rolled out
    there are more replicas, by the `surge`."""

    service: Service
    program: Program
    replicas: Amount
    processes: Amount
    each: tuple[Amount, ...]
    surge: Surge = Surge("")

    @property
    def factors(self) -> tuple[Amount, ...]:
        return (self.replicas, self.processes, *self.each)

    @property
    def value(self) -> int | None:
        """How many connections, where every factor is known."""
        return self.with_values({})

    @property
    def at_once(self) -> int | None:
        """How many of those the threads of its processes can use at a time; no fewer where that is not known."""
        threads, each = self.program.threads.value, self._sum({})
        if self.value is None or threads is None or each is None or not each:
            return self.value
        return self.value // each * min(each, threads)

    def with_values(self, given: Mapping[Amount, int]) -> int | None:
        """The same with values for factors that the repository does not state."""
        replicas, processes, each = _known(self.replicas, given), _known(self.processes, given), self._sum(given)
        if replicas is None or processes is None or each is None:
            return None
        return (replicas + self.surge.of(replicas)) * processes * each

    def _sum(self, given: Mapping[Amount, int]) -> int | None:
        values = [_known(factor, given) for factor in self.each]
        return None if any(v is None for v in values) else sum(v or 0 for v in values)


def _known(factor: Amount, given: Mapping[Amount, int]) -> int | None:
    return factor.value if factor.value is not None else given.get(factor)


def terms(stack: Stack, pools: Sequence[Pool]) -> Iterator[Term]:
    """The terms of a stack: of every program that lasts and opens connections, as far as that is known."""
    own = {*(s.service for s in stack.servers), *(p.service for p in stack.poolers)}
    hosts = [name for service in sorted(own) if service for name in names_of(stack, service)]
    for service in stack.services:
        if service.name in own or service.once:
            continue
        asks = _asks(stack, service, hosts)
        for program in _lasting(service):
            each = _each(program, service, pools, asks=asks)
            if each:
                yield Term(service, program, service.replicas, program.processes, each, service.surge)
        if asks and not service.programs and (service.image or service.command or service.build is not None):
            yield _unknown(service)


def _asks(stack: Stack, service: Service, hosts: Sequence[str]) -> bool:
    """Whether a service says that it uses a database: by a name, by a variable, or as what a managed one is stated beside."""
    if _NO_CLIENT.search(service.image) or _NO_CLIENT.search(service.name):
        return False
    own = {service.name for service in stack.services}
    managed = any(server.service not in own for server in stack.servers)
    included = service.unseen and bool(stack.servers)
    return (
        managed
        or included
        or any(reaches(service, name) for name in hosts)
        or any(_ADDRESS.search(variable) for variable in service.environment)
    )


def _lasting(service: Service) -> list[Program]:
    """The programs that run on: those a supervisor starts, or the last; what an entry point starts before is over by then."""
    found = [p for p in service.programs if p.does in _LASTING and not p.development]
    return [p for p in found if p.beside] or found[-1:]


def _unknown(service: Service) -> Term:
    because = f"what `{service.name}` runs is not stated here"
    processes = Amount(1, "taken as one process", service.place)
    threads = Amount(None, because, service.place, "threads")
    each = Amount(None, because, service.place, f"connections of {service.name}")
    program = Program("", "unknown", processes, threads, place=service.place)
    for name, value in service.environment.items():
        if _POOLED.search(name):
            each = amount(value, service.environment, service.place, f"`{name}` of `{service.name}`")
    return Term(service, program, service.replicas, processes, (each,), service.surge)


def _each(program: Program, service: Service, pools: Sequence[Pool], *, asks: bool) -> tuple[Amount, ...]:
    """What one process opens: the pools of the code that it runs, or one connection for each thread."""
    if program.language == "php":
        return (program.threads,)  # each has a connection of its own
    fitting = [p for p in pools if p.language == program.language]
    own = [p for p in fitting if service.build and p.place.path.startswith(f"{service.build}/")] or fitting
    symbol = f"connections of {service.name}"
    if not own:
        because = f"what a process of `{program.name}` opens is not stated in what is read"
        return (Amount(None, because, program.place, symbol),) if asks else ()
    alike = len({(p.name, p.size.symbol if p.size is not None and p.size.value is None else p) for p in own}) == 1
    if not alike and (len({(p.per, p.name) for p in own}) != 1 or (len(own) > 1 and any(p.per == "process" for p in own))):
        because = f"{len(own)} pools are made in the code, and which of them a process of `{program.name}` uses is not stated"
        return (Amount(None, because, own[0].place, symbol),)
    [pool] = own[:1]
    if pool.per == "thread":
        if program.threads.symbol == "requests":
            return (Amount(None, "an event loop sets no bound to its threads", program.place, f"threads of {service.name}"),)
        return (program.threads,)
    told = _parameter(pool, service)
    sized = (told,) if told is not None else (pool.size, pool.overflow)
    return tuple(bound(a, service.environment) for a in sized if a is not None)


def _parameter(pool: Pool, service: Service) -> Amount | None:
    """The size of a pool that an address in the service's variables states."""
    for name, value in service.environment.items() if pool.parameter else ():
        found = re.search(rf"[?&]{re.escape(pool.parameter)}=(\d+)", value)
        if found:
            return Amount(int(found[1]), f"`{pool.parameter}` in `{name}`", service.place)
    return None


def names_of(stack: Stack, name: str) -> tuple[str, ...]:
    """The names under which the other services reach one."""
    return (name, *(host for service in stack.services if service.name == name for host in service.hosts))


def reaches(service: Service, name: str) -> bool:
    """Whether a service says that it talks to another: in a variable's address, or in what it waits for."""
    if name in service.needs:
        return True
    host = re.compile(rf"(?:^|[@/,;=\s]){re.escape(name)}(?:\.[\w.-]+)?(?:[:/,;\s]|$)")
    return any(host.search(value) for value in service.environment.values())
