"""A real threaded server, so that two clicks really meet."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.serving import make_server

from tests.builders.house import House
from tests.cluster import free_port


@pytest.fixture
def at_once(house: House) -> Iterator[Callable[..., list[object]]]:
    """Run the calls at the same instant, each in its thread; an exception is a result like another."""
    pool = ThreadPoolExecutor(8)

    def run(*calls: Callable[[], object]) -> list[object]:
        gate = threading.Barrier(len(calls))

        def one(call: Callable[[], object]) -> object:
            gate.wait(10)
            try:
                return call()
            except Exception as error:  # the loser's refusal is what is asserted
                return error

        return list(pool.map(one, calls))

    yield run
    pool.shutdown()


@pytest.fixture
def served(house: House) -> Iterator[str]:
    port = free_port()
    server = make_server("127.0.0.1", port, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()
