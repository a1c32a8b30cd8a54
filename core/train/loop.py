# SPDX-License-Identifier: GPL-3.0-or-later
"""One training loop for all models: resumable, logged, the same again from the same seed.

It runs on one processor, one GPU or, under `accelerate launch`, on many: each process draws its own batches, and the
gradients are averaged.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from ..errors import InputError
from ..whole_files import write_whole

Say = Callable[[str], None]
Losses = dict[str, Tensor]
StepFunction = Callable[[np.random.Generator, float], Losses]
"""Takes the step's own randomness and the fraction of training done; the loss to go down is called `loss`."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    steps: int
    learning_rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.01
    average: float = 0.998
    """Decay of the moving average of the weights, which is what training gives."""
    seed: int = 0
    save_seconds: float = 120.0
    bf16: bool = True
    """Multiply in bfloat16; twice as fast on processors that can, harmless on others."""

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then a cosine down to 2 %."""
        warm = min(1.0, (step + 1) / max(self.warmup, 1))
        return self.learning_rate * warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * step / self.steps)))


class Objective(nn.Module):
    """A step's losses as the forward pass of a module, which is how gradients are averaged between processes."""

    def __init__(self, module: nn.Module, step_losses: StepFunction) -> None:
        super().__init__()
        self.module = module
        self.step_losses = step_losses

    def forward(self, rng: np.random.Generator, progress: float) -> Losses:
        """See `StepFunction`."""
        return self.step_losses(rng, progress)


def fit(
    module: nn.Module,
    step_losses: StepFunction,
    schedule: Schedule,
    folder: Path,
    say: Say | None = None,
    *,
    accelerator: Accelerator | None = None,
) -> None:
    """Train `module` in place, and leave it in evaluation mode with the averaged weights.

    Writes `folder`/log.jsonl, curves for TensorBoard beside it and every few minutes `folder`/checkpoint.pt, from
    which the same call goes on after an interruption, and a call with more steps after the last one.
    accelerator: where to train, by default on the processor (`on_processor`); the tensors of `step_losses` have to be
    there, and the module stays there.
    Raises InputError when the checkpoint is of another schedule or model.
    """
    accelerator = accelerator or on_processor()
    folder.mkdir(parents=True, exist_ok=True)
    module.to(accelerator.device)
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True)
    average = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    step = _resume(folder / "checkpoint.pt", module, optimiser, average, schedule)
    objective, prepared = accelerator.prepare(Objective(module, step_losses), optimiser)
    objective.train()
    last_save = time.monotonic()
    with _Log(folder, accelerator.is_main_process and step < schedule.steps, say) as log:
        while step < schedule.steps:
            losses = _one_step(accelerator, objective, prepared, schedule, step)
            _update_average(average, module, min(schedule.average, (1 + step) / (10 + step)))
            step += 1
            log.write(step, schedule, losses)
            due = time.monotonic() - last_save > schedule.save_seconds or step == schedule.steps
            if due and accelerator.is_main_process:
                _save(folder / "checkpoint.pt", module, optimiser, average, schedule=schedule, step=step)
                last_save = time.monotonic()
    accelerator.wait_for_everyone()
    accelerator.free_memory()  # else what the step has read stays as long as the accelerator
    module.load_state_dict(average)
    module.eval()


def on_processor() -> Accelerator:
    """Training on one processor."""
    return Accelerator(cpu=True)


def _one_step(
    accelerator: Accelerator,
    objective: nn.Module,
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
    step: int,
) -> Losses:
    rank = accelerator.process_index
    torch.manual_seed(schedule.seed * 1_000_003 + step + rank * 7_919_000_017)
    rng = np.random.default_rng((schedule.seed, step, rank) if rank else (schedule.seed, step))
    for group in optimiser.param_groups:
        group["lr"] = schedule.rate(step)
    with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=schedule.bf16):
        losses: Losses = objective(rng, step / schedule.steps)
    optimiser.zero_grad(set_to_none=True)
    accelerator.backward(losses["loss"])
    accelerator.clip_grad_norm_(objective.parameters(), 1.0)
    optimiser.step()
    return losses


class _Log:
    """Every 20th step to log.jsonl and TensorBoard, every 100th to the user; silent where `active` is off."""

    def __init__(self, folder: Path, active: bool, say: Say | None) -> None:
        self.folder, self.active, self.say = folder, active, say

    def __enter__(self) -> _Log:
        if self.active:
            self.file = (self.folder / "log.jsonl").open("a")
            self.curves = SummaryWriter(str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        if self.active:
            self.file.close()
            self.curves.close()

    def write(self, step: int, schedule: Schedule, losses: Losses) -> None:
        """Note the losses after `step` steps."""
        if not self.active or not (step % 20 == 0 or step in (1, schedule.steps)):
            return
        entry = {"step": step, **{name: round(float(value.detach()), 5) for name, value in losses.items()}}
        self.file.write(json.dumps({**entry, "time": round(time.time(), 1)}) + "\n")
        self.file.flush()
        for name, value in losses.items():
            self.curves.add_scalar(name, value.detach(), step)
        self.curves.add_scalar("learning_rate", schedule.rate(step - 1), step)
        if self.say is not None and (step % 100 == 0 or step == schedule.steps):
            self.say(f"{self.folder.name}: step {step} of {schedule.steps}, " + _in_words(entry))


def _update_average(average: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                average[name].lerp_(tensor, 1 - decay)


def _in_words(entry: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in entry.items() if name != "step")


def _save(
    path: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    *,
    schedule: Schedule,
    step: int,
) -> None:
    state = {
        "module": module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average,
        "schedule": asdict(schedule),
        "step": step,
    }
    write_whole(path, lambda partial: torch.save(state, partial))


def _resume(
    path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, average: dict[str, Tensor], schedule: Schedule
) -> int:
    """Load a checkpoint if there is one; returns the number of steps done. Only `steps` may have grown since."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if {**state["schedule"], "steps": schedule.steps} != asdict(schedule) or state["step"] > schedule.steps:
        raise InputError(f"'{path}' is of a training with other settings: use these again, or another folder.")
    try:
        module.load_state_dict(state["module"])
    except RuntimeError:
        raise InputError(f"'{path}' is of a model of another size: use its settings, or another folder.") from None
    optimiser.load_state_dict(state["optimiser"])
    for name, tensor in average.items():
        tensor.copy_(state["average"][name])  # on the device where training goes on
    return int(state["step"])
