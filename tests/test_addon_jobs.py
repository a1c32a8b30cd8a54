# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker thread behind the button: progress, cancel, errors. Plain Python, no Blender."""

from __future__ import annotations

import threading
import time

from artalk.artalk_addon.jobs import Job
from artalk.core.errors import Cancelled, InputError


def wait(job, until, seconds=20.0):
    end = time.monotonic() + seconds
    while not until(job):
        assert time.monotonic() < end, "the job did not get there"
        job.drain()
        time.sleep(0.002)


def test_it_runs_in_a_thread_and_tells_its_progress():
    go_on, where = threading.Event(), []

    def work(progress, _cancel):
        where.append(threading.current_thread())
        progress(0.25)
        assert go_on.wait(20)
        return "done"

    job = Job(work)
    job.start()
    wait(job, lambda job: job.fraction == 0.25)
    assert not job.finished
    assert job.result is None
    assert job.seconds_left is not None
    go_on.set()
    wait(job, lambda job: job.finished)
    assert (job.result, job.error) == ("done", None)
    assert where[0] is not threading.main_thread()


def test_news_arrive_only_when_drained():
    job = Job(lambda progress, _cancel: progress(0.5))
    job.start()
    job.join(20)
    assert job.fraction == 0.0
    assert not job.finished
    job.drain()
    assert job.fraction == 0.5
    assert job.finished


def test_cancel_ends_the_work_without_result_or_error():
    def work(progress, cancel):
        progress(0.1)
        while not cancel():
            time.sleep(0.001)
        raise Cancelled

    job = Job(work)
    job.start()
    wait(job, lambda job: job.fraction > 0)
    job.cancel()
    assert job.cancelling
    wait(job, lambda job: job.finished)
    assert (job.result, job.error) == (None, None)


def test_a_cancel_after_the_last_window_counts_too():
    job = Job(lambda _progress, _cancel: "too late")
    job.cancel()
    job.run()
    assert job.finished
    assert (job.result, job.error) == (None, None)


def test_run_does_it_in_the_callers_thread():
    job = Job(lambda _progress, _cancel: threading.current_thread())
    job.run()
    assert job.finished
    assert job.result is threading.main_thread()


def test_bad_input_is_its_sentence_and_a_bug_says_so(capsys):
    def bad(_progress, _cancel):
        raise InputError("The file is missing: find it.")

    def bug(_progress, _cancel):
        raise ValueError("shapes differ")

    for work, sentence in (
        (bad, "The file is missing: find it."),
        (bug, "artalk failed (ValueError: shapes differ): see the console, please report."),
    ):
        job = Job(work)
        job.start()
        wait(job, lambda job: job.finished)
        assert (job.result, job.error) == (None, sentence)
    shown = capsys.readouterr().err
    assert "shapes differ" in shown
    assert "find it" not in shown
