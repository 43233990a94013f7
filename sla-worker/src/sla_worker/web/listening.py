"""The addresses at which the service is asked: its own, and one for everybody if it is set."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sla_worker.errors import SLAWorkerError
from sla_worker.maintaining import Correct, Maintain
from sla_worker.web.app import Application
from sla_worker.web.guard import Guard

_END_SECONDS = 2.0

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from sla_worker.again import Ask
    from sla_worker.settings import Settings
    from sla_worker.web.pages import Pages
    from sla_worker.web.server import Server


def applications(
    pages: Pages, settings: Settings, *, again: Ask, maintain: Maintain, correct: Correct, ledger: str
) -> tuple[Guard, Guard]:
    """The application of this machine and the public one."""

    def made(*, public: bool) -> Application:
        return Application(
            pages,
            settings.runbooks_dir,
            again=again,
            maintain=maintain,
            correct=correct,
            ledger=ledger,
            public=public,
        )

    own = Guard(made(public=False), token=settings.webhook_token, hosts=settings.allowed_hosts)
    host = urlsplit(settings.public_url).hostname or ""
    return own, Guard(made(public=True), token=None, hosts=(host, *settings.allowed_hosts), opened=False)


class Listening:
    """Servers that run, each in a thread."""

    def __init__(self) -> None:
        self._running: list[tuple[Server, threading.Thread]] = []

    def __len__(self) -> int:
        return len(self._running)

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, server: Server) -> None:
        """Run one more."""
        thread = threading.Thread(target=server.run, name="web", daemon=True)
        thread.start()
        self._running.append((server, thread))

    def close(self) -> None:
        """End all of them."""
        for server, thread in self._running:
            server.close()
            thread.join(_END_SECONDS)


def listen(settings: Settings, own: WSGIApplication, public: WSGIApplication) -> Listening:
    """The servers, running. Raises SLAWorkerError when one cannot listen."""
    from sla_worker.web.server import Server  # noqa: PLC0415 - only the service serves

    wanted = [("SLA_WORKER", own, settings.bind, settings.port)]
    if settings.public_bind is not None:
        wanted.append(("SLA_PUBLIC", public, settings.public_bind, settings.public_port))
    running = Listening()
    for name, application, bind, port in wanted:
        try:
            running.add(Server(application, bind, port))
        except OSError as error:
            running.close()
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                why = os.strerror(error.errno)  # its own words say it twice, with the address
                raise SLAWorkerError(
                    f"{name}_PORT={port}: cannot listen on {bind} ({why}); set another port"
                ) from error
            raise SLAWorkerError(
                f"{name}_BIND={bind}: cannot listen there ({error}); give an address of this machine"
            ) from error
    return running
