"""Run one service in one role: ``python -m services.<name> --role web|worker|jobs|all|migrate``."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import MPServer

from chassis import clock, log, stopping, trace, workdays
from chassis.auth import INTERNAL_KEYS_PATH, internal_tokens
from chassis.background import Background
from chassis.bus import Bus
from chassis.discovery import Announcement, Directory, announcement, open_directory
from chassis.embedded_bus import EmbeddedBus
from chassis.fetch import fetch_public
from chassis.health import Health
from chassis.machine import watch_machine
from chassis.metrics import BUILD_INFO
from chassis.migrate import behind, upgrade
from chassis.public_keys import PublicKeys
from chassis.service import Runtime, Service
from chassis.settings import Settings, SettingsError, load_settings, unknown_variables
from chassis.version import version
from chassis.web import create_operator_web, create_web

ROLES = {
    "web": frozenset({"web"}),
    "worker": frozenset({"worker"}),
    "jobs": frozenset({"jobs"}),
    "all": frozenset({"web", "worker", "jobs"}),
}
JWKS_PATH = "/api/v1/jwks"
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # glibc, mallopt(3)
PUBLIC_CONNECTIONS = 8192
HEAD_S, PUBLIC_HEAD_S = 30, 15  # for the head of a request, and between two requests
STOP_SHARE = 0.8  # of the time to stop, for threads; what is left is for requests in flight and the process itself


def main(service: Service) -> None:
    """Command line of ``python -m services.<name>``."""

    @click.command(help=f"{service.title} ({service.name})")
    @click.option("--role", type=click.Choice([*ROLES, "migrate"]), default="all", show_default=True)
    @click.option(
        "--check", is_flag=True, help="只查数据库是否够新 / with migrate: only ask whether the schema is new enough"
    )
    def command(role: str, *, check: bool) -> None:
        if check and role != "migrate":
            raise click.UsageError("--check: 只用于 --role migrate / only with --role migrate")
        settings = settings_or_exit(service.name)
        log.configure(service.name, settings.log_level)
        clock.follow(settings.clock_file)
        service.database.bind(settings.database_url, pool_size=settings.web_threads)
        if role == "migrate":
            check_schema(service) if check else migrate(service, settings)
            return
        run_role(service, settings, ROLES[role])

    command()


def migrate(service: Service, settings: Settings) -> None:
    """Bring the bound database to its newest schema and make the service's queues. Do it for every service before any is
    started: what is told while a subscriber has no queue yet passes it by.
    """
    from chassis.rabbit_bus import RabbitBus

    upgrade(service.database, service.migrations)
    if not settings.embedded:
        RabbitBus(settings.bus_url).declare(service.subscriptions)


def check_schema(service: Service) -> None:
    """Exit status 1, with a sentence, when the bound database is too old for this program to start on."""
    if trouble := behind(service.database, service.migrations):
        raise click.ClickException(f"{service.name}: 数据库尚未就绪 / the database is not ready: {trouble}")


def settings_or_exit(name: str) -> Settings:
    """Settings, or exit status 2 with the sentence that says what is wrong, with them or the calendar, which is gone by from
    now on. A variable that nobody reads is named in the log.
    """
    try:
        settings = load_settings(name)
        workdays.follow(settings.calendar_file)
    except (SettingsError, workdays.CalendarInvalid) as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if unknown := unknown_variables():
        log.configure(name, settings.log_level)
        structlog.get_logger().warning("unknown_settings", nearest=unknown)
    return settings


def make_runtime(settings: Settings, bus: Bus, directory: Directory) -> Runtime:
    """Wire what a process needs."""
    remembered = settings.data_dir / settings.service / "gateway-keys.json"
    keys = PublicKeys(lambda: fetch_public(directory, "gateway", INTERNAL_KEYS_PATH), remembered)
    health = Health()
    health.add("bus", bus.trouble)
    return Runtime(settings, bus, directory, internal_tokens(keys, settings.service), health)


def make_bus(settings: Settings) -> Bus:
    """The bus that the settings name. On the embedded one a service alone hears itself; the rest waits in its outbox."""
    from chassis.rabbit_bus import RabbitBus

    return EmbeddedBus() if settings.embedded else RabbitBus(settings.bus_url)


def run_role(service: Service, settings: Settings, roles: frozenset[str]) -> None:
    """Serve until SIGTERM. The server's worker process holds the threads; this one watches it."""

    def load() -> Any:
        log.configure(service.name, settings.log_level)
        show_process(settings, role_of(roles))
        clock.follow(settings.clock_file)
        service.database.bind(settings.database_url, pool_size=settings.web_threads)
        bus = make_bus(settings)
        directory = open_directory(settings)
        directory.follow(partial(log.follow_level, usual=settings.log_level))
        runtime = make_runtime(settings, bus, directory)
        if "web" in roles and "gateway" in settings.services:
            runtime.health.add("gateway keys", runtime.tokens.trouble)
        background = Background(service, runtime, roles)
        service.setup(runtime)
        app = create_web(service, runtime) if "web" in roles else create_operator_web(service.name, runtime)
        bus.start()
        background.start()

        def finish() -> None:
            deadline = time.monotonic() + settings.stop_timeout_s * STOP_SHARE
            bus.stop(deadline - time.monotonic())
            background.stop(deadline - time.monotonic())

        at_exit(finish)
        return app

    if "web" in roles:
        serve(load, settings, settings.http_address, announced=announcement(settings))
    else:
        serve(load, settings, settings.ops_address)


def show_process(settings: Settings, role: str) -> None:
    """In the server's worker process, before anything else: say in the metrics what runs here, and keep spans if told to."""
    BUILD_INFO.labels(settings.service, role, version()).set(1)
    if settings.traces_url is None:
        return
    from chassis.spans import Spans

    bus = "embedded" if settings.embedded else "rabbitmq"
    trace.keep_spans(Spans(settings.traces_url, settings.traces_share, bus=bus, version=version()))
    at_exit(trace.stop_spans)  # what is registered first runs last


def role_of(roles: frozenset[str]) -> str:
    """Its name."""
    return next(name for name, named in ROLES.items() if named == roles)


def at_exit(finish: Callable[[], object]) -> None:
    """Run ``finish`` in the server's worker process after its last request."""
    util.Finalize(None, finish, exitpriority=100)


class _Server(MPServer):
    """granian, made known when it listens; its stop is that of ``chassis.stopping``. ``worker``: where the worker is told."""

    announced: Announcement | None = None
    worker: Connection
    drain_s = 0.0

    def startup(self, *arguments: Any) -> None:
        super().startup(*arguments)  # type: ignore[no-untyped-call]
        if self.announced:
            self.announced.start()  # after the fork: threads do not survive one

    def signal_handler_interrupt(self, number: int, *frame: Any) -> None:
        if number != signal.SIGTERM:
            self.drain_s = 0.0
        super().signal_handler_interrupt(number, *frame)  # type: ignore[no-untyped-call]

    def shutdown(self, *arguments: Any) -> None:
        drain_s = self.drain_s if self.worker.poll() and not self.interrupt_children else 0.0  # if it serves at all
        if drain_s:
            self.main_loop_interrupt.clear()  # another signal sets it, and the worker's death
            self.worker.send_bytes(stopping.LEAVING)
        if self.announced:
            self.announced.withdraw()
        if drain_s:
            self.main_loop_interrupt.wait(drain_s)
        self.worker.send_bytes(stopping.CLOSING)
        super().shutdown(*arguments)  # type: ignore[no-untyped-call]


def serve(
    load: Callable[[], Any],
    settings: Settings,
    address: str,
    *,
    announced: Announcement | None = None,
    public: bool = False,
) -> None:
    """Serve the WSGI application that ``load`` makes, over TLS when a certificate is set. Returns after SIGTERM, which does
    what ``chassis.stopping`` says.

    ``load`` runs in the server's worker process. ``public``: strangers connect, many and some of them slow. granian takes no
    further connection while it has as many as ``backpressure``, and an idle one counts. Exits with status 1 when the worker
    died: whoever supervises this process restarts it.
    """
    multiprocessing.set_start_method(
        "fork", force=True
    )  # ``load`` is a closure; newer Pythons would not fork by default
    watcher = os.getpid()
    host, _, port = address.rpartition(":")
    server = _Server(
        "tongban",
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.web_threads,
        backpressure=PUBLIC_CONNECTIONS if public else max(64, settings.web_threads * 4),
        http=HTTPModes.http1,  # streams that share a connection could be neither limited nor ended one by one
        http1_settings=HTTP1Settings(header_read_timeout=(PUBLIC_HEAD_S if public else HEAD_S) * 1000),
        workers_kill_timeout=max(1, round(settings.stop_timeout_s)),
        log_enabled=False,
        ssl_cert=_path(settings.tls_certificate),
        ssl_key=_path(settings.tls_key),
        websockets=False,
    )
    server.announced = announced
    server.worker, told = multiprocessing.Pipe()
    if address == settings.http_address:  # others are sent no requests
        server.drain_s = settings.drain_s
    watch_machine(settings)
    structlog.get_logger().info("serving", address=address, tls=settings.tls_certificate is not None)
    server.serve(target_loader=lambda *_: _in_worker(load, watcher, told), wrap_loader=False)


def _in_worker(load: Callable[[], Any], watcher: int, told: Connection) -> Any:
    """Load the application in the worker process, which ends with its watcher even when that is killed -9."""
    # The watcher's handlers came along with the fork and would swallow a SIGTERM while loading.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != watcher:
        os._exit(1)
    _give_memory_back()
    app = stopping.seen_leaving(load())
    stopping.listen(told)
    return app


def _give_memory_back() -> None:
    """Large blocks go back to the system when freed. Left alone, glibc keeps what Argon2 took (19 MiB a password) in an
    arena per thread.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 20)
        libc.mallopt(M_ARENA_MAX, 2)


def _path(path: Path | None) -> Path | None:
    return path.resolve() if path else None
