"""Stopping one drain on a person's word.

The worker kills its horse; nothing else is touched. What the drain had in its hands stays its lease's: nobody works
on it until that has run out and its heartbeat has stood still for a whole lease. Then each document is claimed alone
and looked up by its key before anything is sent again. So a stop is as safe as a power cut, and as slow to heal.
"""

from __future__ import annotations

from redis import Redis, RedisError
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job

from config.settings import Settings
from connectors.kit.throttle import redis_pool
from sync.desk.operations import DrainView, record_stop
from sync.desk.phrases import Refusal, say
from sync.store.audit import Actor
from sync.store.engine import Store


class NotStopped(Refusal):
    """The drain cannot be stopped."""


_GONE = say("no worker has this drain in hand any more")


def stop_drain(store: Store, settings: Settings, view: DrainView, *, actor: Actor, reason: str) -> None:
    """Tell the worker that runs a drain to kill it. Raises NotStopped, RedisError never."""
    if not view.job:
        raise NotStopped(say("this drain runs in no worker, so nobody can be told to stop it"))
    pool = redis_pool(settings.redis_url.reveal())
    try:
        redis = Redis(connection_pool=pool)
        job = Job.fetch(view.job, connection=redis, serializer="json")
        if not job.worker_name:
            raise NotStopped(_GONE)
        record_stop(store, view, actor=actor, reason=reason)
        send_stop_job_command(redis, view.job, serializer="json")
    except (NoSuchJobError, InvalidJobOperation) as error:
        raise NotStopped(_GONE) from error
    except RedisError as error:
        raise NotStopped(say("the queue's server is away, and only through it a worker can be told to stop")) from error
    finally:
        pool.disconnect()
