# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker thread behind the button and the queue of its work: progress, cancel, errors. No Blender."""

from __future__ import annotations

import threading
import time

from artalk.artalk_addon.jobs import ENDED, Entry, Job, More, Queue
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


# --- the queue ------------------------------------------------------------------------------------------------------


def entry(key, work=lambda _progress, _cancel: 1, begin=None, finish=lambda result: f"gave {result}", cost=1.0):
    return Entry(key, str(key), cost, begin or (lambda: work), finish)


def until_cancelled(progress, cancel):
    progress(0.5)
    while not cancel():
        time.sleep(0.001)
    raise Cancelled


def work_off(queue, until=lambda queue: not queue.busy):
    ended, limit = [], time.monotonic() + 20
    while not until(queue):
        assert time.monotonic() < limit, [each.state for each in queue.entries]
        ended.append(queue.tick())
        time.sleep(0.001)
    return [each.key for each in ended if each]


def states(queue):
    return [each.state for each in queue.entries]


def filled(*entries):
    queue = Queue()
    assert all(queue.add(each) for each in entries)
    return queue


def test_entries_are_worked_off_in_order_one_at_a_time_and_finished_on_the_main_thread():
    at_once, most, finished = [0], [0], []

    def work(_progress, _cancel):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.005)
        at_once[0] -= 1
        return threading.current_thread()

    def finish(thread):
        finished.append((thread, threading.current_thread()))
        return "written"

    queue = filled(*(entry(key, work, finish=finish) for key in range(4)))
    assert work_off(queue) == [0, 1, 2, 3]
    assert states(queue) == ["done"] * 4
    assert [each.sentence for each in queue.entries] == ["written"] * 4
    assert most[0] == 1
    assert all(thread is not here is threading.main_thread() for thread, here in finished)


def test_what_fails_or_is_cancelled_costs_the_others_nothing(capsys):
    def gone():
        raise InputError("The strip is gone: generate again.")

    def full(_result):
        raise InputError("It cannot be written: unlock it.")

    queue = filled(
        entry("gone", begin=gone),
        entry("bug", lambda _progress, _cancel: 1 / 0),
        entry("unwritten", finish=full),
        entry("cancelled early"),
        entry("cancelled late", until_cancelled),
        entry("good"),
    )
    queue.cancel(queue.entries[3].number)
    work_off(queue, lambda queue: queue.entries[4].fraction == 0.5)
    queue.cancel(queue.entries[4].number)
    assert states(queue)[4:] == ["cancelling", "waiting"]
    work_off(queue)
    assert states(queue) == ["failed", "failed", "failed", "cancelled", "cancelled", "done"]
    assert queue.entries[0].sentence == "The strip is gone: generate again."
    assert "please report" in queue.entries[1].sentence
    assert queue.entries[2].sentence == "It cannot be written: unlock it."
    assert "ZeroDivisionError" in capsys.readouterr().err
    queue.clear()
    assert queue.entries == []


def test_what_is_finished_may_ask_for_more_work_in_the_thread():
    def more(result):
        return More(lambda _progress, _cancel: (result, threading.current_thread()), end)

    def end(found):
        result, thread = found
        assert thread is not threading.current_thread() is threading.main_thread()
        if result == "bad":
            raise InputError("It cannot be written: unlock it.")
        return f"gave {result}"

    def begun(result):
        return lambda _progress, _cancel: result

    endless = entry("c", finish=lambda _result: More(until_cancelled, end))
    queue = filled(entry("a", begun(1), finish=more), entry("b", begun("bad"), finish=more), endless)
    work_off(queue, lambda _queue: endless.fraction == 0.5)
    queue.cancel(endless.number)
    work_off(queue)
    assert states(queue) == ["done", "failed", "cancelled"]
    assert [each.sentence for each in queue.entries] == ["gave 1", "It cannot be written: unlock it.", ""]


def test_one_may_be_added_while_others_run_but_not_twice_while_it_waits():
    queue = filled(entry("a", until_cancelled), entry("b"))
    assert not queue.add(entry("b"))
    work_off(queue, lambda queue: queue.entries[0].state == "running")
    assert queue.add(entry("a")), "what runs may have been read before the change"
    queue.cancel(queue.entries[0].number)
    assert work_off(queue) == ["a", "b", "a"]


def test_time_left_is_said_of_what_runs_and_of_what_waits():
    go_on = threading.Event()

    def half(progress, _cancel):
        time.sleep(0.02)
        progress(0.5)
        assert go_on.wait(20)
        return 1

    queue = filled(entry("a", half, cost=2.0), entry("b", cost=2.0), entry("c", cost=6.0))
    work_off(queue, lambda queue: queue.entries[2].seconds_left is not None)
    first, second, third = (each.seconds_left for each in queue.entries)
    assert 0.01 < first < second < third
    # b takes as long as a, half of which is done; c three times that
    assert abs((third - second) / (second - first) - 3) < 1e-6
    go_on.set()
    work_off(queue)
    assert all(each.seconds_left is None for each in queue.entries)


def test_what_was_let_go_is_never_finished_and_nothing_begins_beside_it():
    go_on, finished = threading.Event(), []

    def slow(_progress, _cancel):
        assert go_on.wait(20)
        return 1

    queue = filled(entry("a", slow, finish=finished.append), entry("b"))
    work_off(queue, lambda queue: queue.entries[0].state == "running")
    assert queue.let_go() == 2
    assert queue.busy
    queue.add(entry("c"))
    for _ in range(5):
        queue.tick()
    assert states(queue) == ["waiting"]
    go_on.set()
    assert work_off(queue) == ["c"]
    assert finished == []
    assert set(states(queue)) <= set(ENDED)
