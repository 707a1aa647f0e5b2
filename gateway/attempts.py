"""A request to one instance after another: once if it went well, again only where that does no harm and is worth it.

Nothing is sent again once a byte of an answer was passed on, nor after a silence: who is slow needs no second request. What
an instance never saw, for no connection to it came about, goes to the next one whatever it is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from http.client import HTTPException

from chassis.discovery import Local
from gateway.balance import Balancer, Instance
from gateway.headers import Environ
from gateway.observe import Exchange
from gateway.pool import NotReached, Pool
from gateway.upstream import Answer, Outgoing, call_local, call_remote

_UNABLE = frozenset({"502", "503", "504"})
LEAST_TIME_S = 0.05


class Attempts:
    """Sends requests to the services."""

    def __init__(self, balancer: Balancer, pool: Pool) -> None:
        self._balancer, self._pool = balancer, pool

    def send(self, service: str, request: Outgoing, environ: Environ, exchange: Exchange) -> Answer:
        """The head of an answer, and all of it if it is small. The instance counts as busy until ``exchange`` ends.

        Raises OSError, HTTPException, ClientDisconnected, ServiceUnknown or Refusal ``overloaded``.
        """
        deadline = time.monotonic() + request.timeout_s
        tried: list[Instance] = []
        unable: Answer | None = None
        while True:
            instance = self._balancer.take(service, tried)
            started = time.monotonic()
            try:
                answer = self._one(instance, request, environ)
            except BaseException as error:
                self._balancer.release(instance)
                if not self._again(instance, request, deadline, tried, error, started=started):
                    if unable is not None and isinstance(error, NotReached):
                        return unable  # which says more than that the other one is away
                    raise
            else:
                self._balancer.heard(instance, leaving=answer.leaving)
                if answer.status[:3] not in _UNABLE:
                    kind = request.kind if request.body.whole else ""
                    self._balancer.succeeded(instance, kind, time.monotonic() - started)
                elif self._again(instance, request, deadline, tried, None, started=started):
                    answer.close()
                    unable = answer if answer.body is not None else None
                    self._balancer.release(instance)
                    request = replace(request, timeout_s=deadline - time.monotonic())
                    continue
                exchange.holds(partial(self._balancer.release, instance))
                return answer
            request = replace(request, timeout_s=deadline - time.monotonic())

    def _one(self, instance: Instance, request: Outgoing, environ: Environ) -> Answer:
        if isinstance(instance.endpoint, Local):
            return call_local(instance.endpoint, request, environ)
        answer = call_remote(self._pool, instance.endpoint, request)
        answer.read_if_small()
        return answer

    def _again(
        self,
        instance: Instance,
        request: Outgoing,
        deadline: float,
        tried: list[Instance],
        error: BaseException | None,
        *,
        started: float,
    ) -> bool:
        """Note the failure; whether to try another instance. ``error`` None: it answered that it cannot."""
        if error is not None and not isinstance(error, (OSError, HTTPException)):
            return False  # the client's fault, or ours
        self._balancer.failed(instance, time.monotonic() - started)
        tried.append(instance)
        reached = not isinstance(error, NotReached)
        if reached and (isinstance(error, TimeoutError) or not request.repeatable):
            return False
        return deadline - time.monotonic() > LEAST_TIME_S and self._balancer.may_retry(instance, tried, reached=reached)
