"""Serve an application on 127.0.0.1 from a thread of this process."""

import socket
from threading import Thread

import uvicorn
from fastapi import FastAPI

from edge_agent.errors import BadSettings

HOST = "127.0.0.1"
KEEP_ALIVE_S = 30
STARTED_CHECK_S = 0.01


class LocalServer:
    """The port is taken and listened to at once, requests are answered from `start` to `stop`."""

    def __init__(self, app: FastAPI, port: int) -> None:
        """Take the port, 0 for a free one. Raises BadSettings if somebody else has it."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise BadSettings(
                f"port {port} on {HOST} is taken ({error.strerror}); set another till.port, or end the other program"
            ) from None
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=KEEP_ALIVE_S, server_header=False
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="till", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the requests that are under way and free the port."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
