"""Ctrl-C while modules are imported. Imports next to nothing itself: it comes before all else."""

from __future__ import annotations

import os
import signal


class importing:
    """Within, Ctrl-C ends the process at once: one line, exit status 130.

    There is nothing to clean up while modules are imported, and a `KeyboardInterrupt` raised there can get lost in
    a callback of the import system or come out as a traceback. Where Ctrl-C is ignored it stays ignored.
    """

    def __init__(self) -> None:
        self.usual = signal.getsignal(signal.SIGINT)

        if "NODE_RANK" in os.environ and os.environ.get("LOCAL_RANK", "0") != "0":
            # Lightning's first process started this one. It hears Ctrl-C too, and takes this one along; were this one
            # to end by itself meanwhile, Lightning would kill the first.
            self._set(signal.SIG_IGN)
            self.usual = signal.SIG_IGN

    def __enter__(self) -> None:
        self._set(_end)

    def __exit__(self, *_: object) -> None:
        self._set(self.usual)

    def _set(self, handler: signal._HANDLER) -> None:
        if self.usual is signal.default_int_handler:
            # contextlib.suppress would be one more import
            try:  # noqa: SIM105
                signal.signal(signal.SIGINT, handler)
            except ValueError:
                pass  # not the main thread, which alone hears signals


def _end(_number: int, _frame: object) -> None:
    os.write(2, b"stopped\n")
    os._exit(130)
