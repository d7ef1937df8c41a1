"""A short fault campaign: whatever breaks, the process serves on, and what is lost would be seen."""

import os
import signal
from collections.abc import Iterator

import pytest

from corpora.bench.faults.campaign import Campaign, plan_of
from corpora.bench.faults.catalogue import FAULTS, KVD, Fault, Run
from corpora.bench.faults.stock import Bundle, Stock
from corpora.bench.faults.subjects import Program, Subject, start
from corpora.bench.faults.witness import KvdSpeaker
from patchkit.live.failure import LiveError
from patchkit.live.updates import Wish
from tests.support.hazards import cache, shared_cache

SLOW = ("loop",)  # ten seconds a run; tests/live/test_conversions.py has it too
RUNS = 60
AT_ONCE = Wish(timeout=10, rehearse=False)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    """What all campaigns of this module are made from."""
    with shared_cache(tmp_path_factory):
        yield Stock(tmp_path_factory.mktemp("faults"), cache())


def test_no_fault_costs_a_process_or_an_answer(stock: Stock) -> None:
    faults = [fault for fault in FAULTS if fault.name not in SLOW]
    campaign = Campaign(stock, seed=1)
    campaign.run(plan_of(faults, RUNS, seed=1))
    assert campaign.troubles == []
    assert set(campaign.tallies) == {fault.name for fault in faults}
    assert sum(tally.runs for tally in campaign.tallies.values()) == RUNS
    assert sum(tally.lost + tally.wrong for tally in campaign.tallies.values()) == 0
    assert all(tally.refused + tally.applied == tally.runs for tally in campaign.tallies.values())


def kill(run: Run) -> str:
    os.kill(run.subject.pid, signal.SIGKILL)
    return "killed"


def forget(run: Run) -> str:
    """Change what is stored behind the client's back."""
    with run.subject.witness.resting():
        speaker = run.subject.witness.speaker
        assert isinstance(speaker, KvdSpeaker)
        for key in speaker.player.model.values:
            speaker.connection.call(b"DEL", key)
    return "killed"


def test_a_lost_process_and_lost_state_are_seen_and_the_campaign_goes_on(stock: Stock) -> None:
    faults = [
        Fault("kill", "the process is killed", kill, KVD, frozenset(), 1),
        Fault("forget", "all keys are deleted", forget, KVD, frozenset(), 1),
    ]
    campaign = Campaign(stock, seed=3)
    campaign.run([*faults, *faults])
    assert (campaign.tallies["kill"].lost, campaign.tallies["kill"].wrong) == (2, 0)
    assert campaign.tallies["forget"].lost == 0
    assert campaign.tallies["forget"].wrong > 0
    assert {trouble.seed for trouble in campaign.troubles} == {3}
    assert "signal 9 ended it" in campaign.troubles[0].text


def warmed(stock: Stock) -> Subject:
    """Return kvd after an update that was refused late, so that its runtime has made what it makes but once."""
    subject = start(stock, Program.KVD, 1, faulty=True)
    speaker = subject.witness.speaker
    assert isinstance(speaker, KvdSpeaker)
    for value in (50000, 1000):
        with subject.witness.resting():
            speaker.set_option("maxclients", value)
        if value != 1000:
            with pytest.raises(LiveError):
                subject.apply(stock.hostile, AT_ONCE)
    subject.prove()
    return subject


def refused(subject: Subject, bundle: Bundle, number: int) -> str:
    """Apply the bundle while the allocation with that number fails; return the reason, empty where it was taken."""
    subject.allocations.fail(number)
    try:
        subject.apply(bundle, AT_ONCE)
        reason = ""
    except LiveError as problem:
        reason = str(problem)
    missed = subject.allocations.left()
    subject.relieve()
    subject.prove()
    return "all were made" if missed else reason


def test_whichever_allocation_fails_everything_is_given_back(stock: Stock) -> None:
    reasons: list[str] = []
    subject = warmed(stock)
    try:
        while "all were made" not in reasons:
            before = subject.mapped()
            reasons.append(refused(subject, stock.state, len(reasons) + 1))
            if subject.at == subject.started_as:
                assert subject.mapped() == before, (len(reasons), reasons[-1])
            else:
                subject.stack.close()
                subject = warmed(stock)
    finally:
        subject.stack.close()
    assert len(reasons) > 20, reasons
    # Code that nothing could end is not run.
    assert any("gives no timer" in reason for reason in reasons), reasons
