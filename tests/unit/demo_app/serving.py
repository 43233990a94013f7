"""Serves an API over real HTTP, for the tests that call it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from fastapi import FastAPI

from demo_app.api import create_api
from ports import listening
from unit.demo_app.simulation import Simulation
from waiting import patience, poll


class Ailing:
    """Reasons for a 503, as the test sets them."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self) -> list[str]:
        return self.reasons


def api_of(
    simulation: Simulation, problems: Callable[[], Sequence[str]] = list, token: str | None = None
) -> FastAPI:
    """Return the API of a simulated demo-app."""
    return create_api(
        faults=simulation.faults,
        state=simulation.system.state.view,
        problems=problems,
        version="1.2.3",
        metrics_port=9091,
        token=token,
    )


@contextlib.contextmanager
def served(api: FastAPI) -> Iterator[str]:
    """Serve on a free port, and yield the address."""
    listener = listening()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as the app does
    server = uvicorn.Server(uvicorn.Config(api, log_config=None, lifespan="off", ws="none", loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    poll(lambda: server.started, "the server")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(patience(5))
        listener.close()
