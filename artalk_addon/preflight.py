# SPDX-License-Identifier: GPL-3.0-or-later
"""It moves, or it says why: what stands in the way of keys that are there, or would be, and how to mend it.

`obstacles` looks at settings alone and is quick enough for a panel; `what_is_wrong` moves the scene to two frames and
compares the evaluated mesh. Both look everything up anew, so nothing of Blender outlives the call.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import InputError
from . import compat, key_extremes, keyframes, lip_movement, rigs, shared_mesh
from .key_extremes import Extremes
from .plan import Character, escape

_DEFORMING = {"ARMATURE", "SURFACE_DEFORM", "MESH_DEFORM", "LATTICE", "HOOK", "CURVE"}
_CACHES = {"MESH_CACHE", "MESH_SEQUENCE_CACHE"}


@dataclass(frozen=True)
class Obstacle:
    """One reason why keys do not show.

    cause:    its name, the same in every version
    sentence: what is wrong and what to do, for the user
    button:   what the fix is called; empty where only the user can do it
    mend:     the fix itself; to be called in the same tick
    blocks:   whether generating must be refused, as its keys could not be written or would never show
    """

    cause: str
    sentence: str
    button: str = ""
    mend: Callable[[], None] | None = None
    blocks: bool = False


@dataclass(frozen=True)
class _Rig:
    """A character with its parts at hand, for the length of one call.

    shapes: the keyed or keyable key blocks; extremes: of its keys, None where they are to be read when they are needed
    """

    item: Any
    keys: Any
    armature: Any
    shapes: list[Any]
    bones: list[str]
    extremes: Extremes | None = None

    @property
    def known(self) -> Extremes:
        """The extremes of its keys."""
        if self.extremes is not None:
            return self.extremes
        return key_extremes.of({"shapes": self.keys, "bones": self.armature})

    @property
    def animated(self) -> list[Any]:
        return [owner for owner in (self.keys, self.armature) if owner is not None]


def obstacles(item: bpy.types.Object, known: Extremes | None = None) -> list[Obstacle]:
    """What stands in the way of speech on a character, the gravest first; empty when nothing is seen.

    known: the extremes of its keys, else they are read. Raises InputError when the object is no character.
    """
    return _obstacles(_rig(item, extremes=known))


def _obstacles(rig: _Rig) -> list[Obstacle]:
    found = (obstacle for check in _CHECKS for obstacle in check(rig))
    return sorted(found, key=lambda obstacle: not obstacle.blocks)


def require_clear(item: bpy.types.Object, character: Character) -> None:
    """Raise InputError with the first obstacle that generating cannot get past; `character` describes the object."""
    # keys that are too high are not in the way of others, and many take long to read
    for obstacle in _obstacles(_rig(item, character, extremes={})):
        if obstacle.blocks:
            raise InputError(obstacle.sentence)


def what_is_wrong(scene: bpy.types.Scene, item: bpy.types.Object) -> list[Obstacle]:
    """Why the lips of a keyed character do not move; empty when they do.

    The evaluated mesh is compared at the two frames between which the keys ask for the greatest movement.
    """
    rig = _rig(item)
    known = rig.known
    asked = lip_movement.greatest(item, rig.shapes, known)
    if asked is None:
        return _misplaced(rig) or ([] if _plays_in_the_nla(rig) else [_no_keys(rig)])
    if lip_movement.seen(scene, item, asked):
        return []
    in_the_way = [obstacle for obstacle in obstacles(item, known) if obstacle.cause != _SHARED]
    return in_the_way or _misplaced(rig) or [_unknown(rig)]


def mend(scene: bpy.types.Scene, item: bpy.types.Object, cause: str) -> str:
    """Carry out the fix of one cause; returns the sentence that it answers. InputError when there is none."""
    for obstacle in [*obstacles(item), *_misplaced(_rig(item))]:
        if obstacle.cause == cause and obstacle.mend is not None:
            obstacle.mend()
            for owner in _rig(item).animated:
                compat.refresh_animation(owner)
            scene.frame_set(scene.frame_current)
            return obstacle.sentence
    raise InputError(f"There is nothing to fix on '{item.name}' any more: generate, or scrub to see it move.")


def seen_to_move(mesh: int, known: Extremes) -> Generator[None, None, bool]:
    """Whether the lips of a character (by its session identifier) move, looked at in steps, one frame in each.

    Between two steps nothing of Blender is kept, and the scene stands where the user has it. False says that it was not
    seen, for whatever reason: `after` knows it. known: the extremes of its keys
    """
    item = rigs.in_a_scene(mesh)
    if item is None:
        return False
    asked = lip_movement.greatest(item, _rig(item).shapes, known)
    return asked is not None and (yield from lip_movement.seen_by_steps(mesh, asked))


@dataclass(frozen=True)
class Verdict:
    """A job's sentence, with the reason why nothing moves if it does not. cause: what `mend` can mend, or empty."""

    sentence: str
    failed: bool = False
    cause: str = ""


def after(scene: bpy.types.Scene, mesh: int, sentence: str) -> Verdict:
    """Check a character (by its session identifier) that has just got keys; `sentence` says what was done."""
    item = next(item for item in bpy.data.objects if item.session_uid == mesh)
    wrong = what_is_wrong(scene, item)
    if not wrong:
        return as_spoken(item, sentence)
    cause = wrong[0].cause if wrong[0].mend else ""
    return Verdict(f"{sentence} But the lips do not move. {wrong[0].sentence}", failed=True, cause=cause)


def as_spoken(item: bpy.types.Object, sentence: str, known: Extremes | None = None) -> Verdict:
    """Of a character whose lips move: whether they move as far as they were told to; known: as in `obstacles`."""
    wrong = limits(item, known)
    if not wrong:
        return Verdict(sentence)
    return Verdict(f"{sentence} But not all of it shows. {wrong[0].sentence}", failed=True, cause=wrong[0].cause)


def limits(item: bpy.types.Object, known: Extremes | None = None) -> list[Obstacle]:
    """What keeps lips that move from moving as far as the keys ask for; empty when nothing does."""
    return [obstacle for obstacle in obstacles(item, known) if obstacle.cause in _LIMITS]


_LIMITS = ("slider_range", "muted_shape")


# --- the character's parts ------------------------------------------------------------------------------------------


def _rig(item: bpy.types.Object, described: Character | None = None, extremes: Extremes | None = None) -> _Rig:
    character = described or rigs.describe(item)
    keys: Any = getattr(item.data, "shape_keys", None)
    armature = next((o for o in bpy.data.objects if o.session_uid == character.armature), None)
    names = set(character.shapes.values())
    if keys is not None:
        names |= {keyframes.quoted(label) for label in keyframes.owned(keys)}
    blocks = [key for key in keys.key_blocks if key.name in names] if keys else []
    return _Rig(item, keys, armature, blocks, [bone.name for bone in character.bones.values()], extremes)


def _list(names: Iterable[str], most: int = 3) -> str:
    """Some names in a sentence: 'a, b, c and 4 more'."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(f"'{name}'" for name in known[:most]) + more


def _set(things: Iterable[Any], name: str, value: Any) -> Callable[[], None]:
    """A fix that gives every thing one property."""
    kept = list(things)

    def run() -> None:
        for thing in kept:
            setattr(thing, name, value)

    return run


# --- settings that are in the way -----------------------------------------------------------------------------------


def _linked(rig: _Rig) -> Iterator[Obstacle]:
    linked = [owner for owner in rig.animated if owner.library]
    if linked:
        yield Obstacle(
            "linked",
            f"'{rig.item.name}' is linked from another file and read-only: make it local, or generate in its own file.",
            blocks=True,
        )


def _edit_mode(rig: _Rig) -> Iterator[Obstacle]:
    def leave() -> None:
        view_layer: Any = bpy.context.view_layer
        view_layer.objects.active = rig.item
        bpy.ops.object.mode_set(mode="OBJECT")

    if rig.item.mode in {"EDIT", "SCULPT"}:
        yield Obstacle(
            "edit_mode",
            f"'{rig.item.name}' is in {rig.item.mode.lower()} mode, which does not show its animation: leave it.",
            "Leave Edit Mode" if rig.item.mode == "EDIT" else "Leave Sculpt Mode",
            leave,
        )


def _hidden(rig: _Rig) -> Iterator[Obstacle]:
    if rig.item.hide_viewport:
        yield Obstacle(
            "hidden",
            f"'{rig.item.name}' is switched off in viewports, so nothing of it is seen: switch it on.",
            "Show Character",
            _set([rig.item], "hide_viewport", False),
        )
    view_layer: Any = bpy.context.view_layer
    around = [each for each in _layer_collections(view_layer.layer_collection) if rig.item in _objects_of(each)]
    off = [each for each in around if each.exclude or each.collection.hide_viewport]

    def switch_on() -> None:
        for each in off:
            each.exclude = each.collection.hide_viewport = False

    if off and not rig.item.visible_get():
        yield Obstacle(
            "collection",
            f"'{rig.item.name}' is in the collection '{off[0].name}', which is switched off: switch it on.",
            "Switch Collection On",
            switch_on,
        )


def _layer_collections(parent: Any) -> Iterator[Any]:
    for child in parent.children:
        yield child
        yield from _layer_collections(child)


def _objects_of(layer_collection: Any) -> set[Any]:
    return set(layer_collection.collection.all_objects)


def _shape_settings(rig: _Rig) -> Iterator[Obstacle]:
    name = rig.item.name
    if rig.keys is None:
        return
    if not rig.keys.use_relative:
        yield Obstacle(
            "absolute",
            f"The shape keys of '{name}' are not relative, so their values have no effect: switch Relative on.",
            "Make Relative",
            _set([rig.keys], "use_relative", True),
        )
    if rig.item.show_only_shape_key:
        yield Obstacle(
            "pinned",
            f"'{name}' shows one shape key alone (the pin beside its shape keys): switch that off.",
            "Show All Shapes",
            _set([rig.item], "show_only_shape_key", False),
        )
    if muted := [key for key in rig.shapes if key.mute]:
        yield Obstacle(
            "muted_shape",
            f"The shape keys {_list(key.name for key in muted)} of '{name}' are switched off: switch them on.",
            "Switch Shapes On",
            _set(muted, "mute", False),
        )
    if lost := [key for key in rig.shapes if key.relative_key == key and key != rig.keys.reference_key]:
        yield Obstacle(
            "relative_to_itself",
            f"The shape keys {_list(key.name for key in lost)} of '{name}' are relative to themselves and so move "
            "nothing: make them relative to the first one.",
            "Make Relative to Basis",
            _set(lost, "relative_key", rig.keys.reference_key),
        )


_SHARED = "shared_mesh"


def _shared_mesh(rig: _Rig) -> Iterator[Obstacle]:
    others = shared_mesh.sharing(rig.item)
    if not others:
        return
    speaking = shared_mesh.overwritten(rig.item, others)
    first = (speaking or others)[0].name
    if speaking:
        sentence = (
            f"'{rig.item.name}' and '{first}' share one mesh, so speech for one overwrites the other's: make it "
            "single-user to let each speak."
        )
    else:
        sentence = (
            f"'{rig.item.name}' and '{first}' share one mesh and speak alike: make it single-user to let each speak."
        )
    yield Obstacle(
        _SHARED,
        sentence,
        "Make Single-User",
        lambda: shared_mesh.separate(rig.item, others),
        blocks=bool(speaking),
    )


def _slider_range(rig: _Rig) -> Iterator[Obstacle]:
    ends = {keyframes.quoted(name): each[:, 1] for (owner, name), each in rig.known.items() if owner == "shapes"}
    narrow: list[tuple[Any, float, float]] = []
    for key in rig.shapes:
        low, high = map(float, ends.get(key.name, (0.0, 1.0)))
        if key.slider_min > low + 1e-4 or key.slider_max < high - 1e-4:
            narrow.append((key, min(key.slider_min, low), max(key.slider_max, high)))

    def widen() -> None:
        for key, low, high in narrow:
            key.slider_min, key.slider_max = low, high

    if narrow:
        yield Obstacle(
            "slider_range",
            f"The sliders of {_list(key.name for key, _, _ in narrow)} on '{rig.item.name}' end before the speech "
            "does, which cuts it off: widen their range.",
            "Widen Sliders",
            widen,
        )


def _driven(rig: _Rig) -> Iterator[Obstacle]:
    driven = []
    for owner in rig.animated:
        paths = {*(f'key_blocks["{escape(key.name)}"].value' for key in rig.shapes)}
        paths |= {f'pose.bones["{escape(name)}"].{turn}' for name in rig.bones for turn in _TURNS}
        drivers = owner.animation_data.drivers if owner.animation_data else ()
        driven += [curve for curve in drivers if curve.data_path in paths and not curve.mute]
    if driven:
        names = dict.fromkeys(keyframes.quoted(curve.data_path) for curve in driven)
        yield Obstacle(
            "driven",
            f"{_list(names)} of '{rig.item.name}' follow drivers, so keys would not move them: mute or remove the "
            "drivers.",
            "Mute Drivers",
            _set(driven, "mute", True),
            blocks=True,
        )


_TURNS = ("rotation_euler", "rotation_quaternion", "rotation_axis_angle")


def _curve_settings(rig: _Rig) -> Iterator[Obstacle]:
    own = [curve for owner in rig.animated for curve in keyframes.own_curves(owner)]
    locked = [curve for curve in own if curve.lock]
    muted = [curve for curve in own if curve.mute]  # that a whole group is muted has no effect
    if locked:
        yield Obstacle(
            "locked_curve",
            f"Curves of '{rig.item.name}' are locked, so their keys may not be changed: unlock them.",
            "Unlock Curves",
            _set(locked, "lock", False),
            blocks=True,
        )
    if muted:
        yield Obstacle(
            "muted_curve",
            f"Curves of '{rig.item.name}' are muted in the graph editor, so they move nothing: unmute them.",
            "Unmute Curves",
            _set(muted, "mute", False),
        )


def _nla(rig: _Rig) -> Iterator[Obstacle]:
    name = rig.item.name
    for owner in rig.animated:
        data = owner.animation_data
        if data is None:
            continue
        if data.use_tweak_mode:
            yield Obstacle(
                "nla_tweak",
                f"An NLA strip of '{name}' is being edited, so its action cannot be changed: leave tweak mode (Tab).",
                "Leave Tweak Mode",
                _set([data], "use_tweak_mode", False),
                blocks=True,
            )
            continue
        solo = [track for track in data.nla_tracks if track.is_solo]
        if solo and data.use_nla:
            yield Obstacle(
                "nla_solo",
                f"The NLA track '{solo[0].name}' of '{name}' plays alone, without the keys of its action: "
                "take the star off it.",
                "Play All Tracks",
                _set(solo, "is_solo", False),
            )
        # without strips Blender plays the action as it is, whatever these two say
        mixed = data.use_nla and any(track.strips for track in data.nla_tracks)
        if mixed and data.action_influence < 1:
            yield Obstacle(
                "influence",
                f"The action of '{name}' has an influence of {data.action_influence:.2g} in the NLA: set it to 1.",
                "Set Influence to 1",
                _set([data], "action_influence", 1.0),
            )
        if mixed and data.action_blend_type in {"MULTIPLY", "SUBTRACT"}:
            yield Obstacle(
                "blending",
                f"The action of '{name}' is laid over the NLA by '{data.action_blend_type.title()}', which is not how "
                "speech is meant: set it to Replace.",
                "Set to Replace",
                _set([data], "action_blend_type", "REPLACE"),
            )


def _modifiers(rig: _Rig) -> Iterator[Obstacle]:
    name = rig.item.name
    hidden = [m for m in rig.item.modifiers if m.type in _DEFORMING and not m.show_viewport]
    caches = [m for m in rig.item.modifiers if m.type in _CACHES and m.show_viewport]
    if hidden:
        yield Obstacle(
            "hidden_modifier",
            f"The modifiers {_list(m.name for m in hidden)} of '{name}' are switched off, so bones do not move it: "
            "switch them on.",
            "Switch Modifiers On",
            _set(hidden, "show_viewport", True),
        )
    if caches:
        yield Obstacle(
            "cache",
            f"The modifier '{caches[0].name}' of '{name}' plays a cache in place of its shapes: switch it off.",
            "Switch Cache Off",
            _set(caches, "show_viewport", False),
        )
    if rig.armature is not None and rig.armature.data.pose_position == "REST":
        yield Obstacle(
            "rest_position",
            f"The armature '{rig.armature.name}' shows its rest position, so its bones do not move: show its pose.",
            "Show Pose",
            _set([rig.armature.data], "pose_position", "POSE"),
        )


def _missing_names(rig: _Rig) -> Iterator[Obstacle]:
    if rig.keys is None:
        return
    present = set(rig.keys.key_blocks.keys())
    lost = [n for c in keyframes.own_curves(rig.keys) if (n := keyframes.quoted(c.data_path)) and n not in present]
    if lost:
        yield Obstacle(
            "name_mismatch",
            f"There are keys for {_list(lost)}, but '{rig.item.name}' has no shape keys of these names: rename its "
            "shape keys, or generate again.",
        )


def _scaled_away(rig: _Rig) -> Iterator[Obstacle]:
    flat = [each for each in _carriers(rig) if min(map(abs, each.scale)) == 0]

    def reset() -> None:
        for each in flat:
            each.scale = [part or 1.0 for part in each.scale]

    if flat:
        yield Obstacle(
            "scaled_away",
            f"'{flat[0].name}' is scaled to 0, so nothing of '{rig.item.name}' is seen: give it a size, or go to a "
            "frame where it has one.",
            "Set Scale to 1",
            reset,
            blocks=True,
        )


def _carriers(rig: _Rig) -> list[Any]:
    """The character's mesh and armature, and what these hang on."""
    found: list[Any] = []
    for each in (rig.item, rig.armature):
        while each is not None and each not in found:
            found.append(each)
            each = each.parent  # noqa: PLW2901 - up to the root
    return found


_CHECKS: tuple[Callable[[_Rig], Iterator[Obstacle]], ...] = (
    _linked,
    _edit_mode,
    _hidden,
    _scaled_away,
    _shape_settings,
    _slider_range,
    _driven,
    _curve_settings,
    _nla,
    _modifiers,
    _missing_names,
    _shared_mesh,
)


# --- keys in another place ------------------------------------------------------------------------------------------


def _misplaced(rig: _Rig) -> list[Obstacle]:
    """Where our keys for this character are, when its shape keys do not play them."""
    if rig.keys is None or keyframes.own_curves(rig.keys):
        return []
    checks = (_wrong_slot, _in_the_nla, _in_another_action)
    return [obstacle for check in checks for obstacle in check(rig)]


def _wrong_slot(rig: _Rig) -> Iterator[Obstacle]:
    action = compat.action_of(rig.keys)
    slot = compat.slot_with(action, _paths(rig)) if action else None
    if slot is None:
        return
    yield Obstacle(
        "wrong_slot",
        f"'{rig.item.name}' plays another slot of the action '{action.name}' than the one with the speech: "
        "choose that slot.",
        "Choose the Slot",
        lambda: compat.choose_slot(rig.keys, slot),
    )


def _in_the_nla(rig: _Rig) -> Iterator[Obstacle]:
    data = rig.keys.animation_data
    for track in data.nla_tracks if data else ():
        for strip in track.strips:
            if not (strip.action and keyframes.OWNED in strip.action):
                continue
            if track.mute or strip.mute or not data.use_nla:

                def unmute(track: Any = track, strip: Any = strip) -> None:
                    track.mute = strip.mute = False
                    data.use_nla = True

                yield Obstacle(
                    "nla_muted",
                    f"The speech of '{rig.item.name}' is in the NLA strip '{strip.name}', which is muted: unmute it.",
                    "Unmute",
                    unmute,
                )


def _plays_in_the_nla(rig: _Rig) -> bool:
    """Whether the speech was pushed down to the NLA and is heard of there; how it is mixed is the artist's."""
    data = next((owner.animation_data for owner in rig.animated), None)
    strips = [strip for track in data.nla_tracks for strip in track.strips] if data else []
    return any(strip.action and keyframes.OWNED in strip.action for strip in strips)


def _in_another_action(rig: _Rig) -> Iterator[Obstacle]:
    """An action of ours for shapes of these names that this character does not play."""
    wanted = _paths(rig)
    actions: Iterable[Any] = bpy.data.actions
    for action in actions:
        slot = compat.slot_with(action, wanted) if keyframes.OWNED in action else None
        if slot is None or action == compat.action_of(rig.keys):
            continue
        other = next((k for k in bpy.data.shape_keys if k != rig.keys and compat.action_of(k) == action), None)

        def assign(action: Any = action, slot: Any = slot) -> None:
            compat.assign_action(rig.keys, action)
            compat.choose_slot(rig.keys, slot)

        if other is not None:
            yield Obstacle(
                "other_mesh",
                f"The speech is on the shape keys of the mesh '{other.user.name}', but '{rig.item.name}' shows the "
                f"mesh '{rig.item.data.name}': put it on that one too, or generate on this character.",
                "Use the Same Action",
                assign,
            )
        elif not action.users - action.use_fake_user:
            yield Obstacle(
                "other_action",
                f"'{rig.item.name}' no longer plays the action '{action.name}' with its speech: assign it again.",
                "Assign the Action",
                assign,
            )


def _paths(rig: _Rig) -> set[str]:
    return {f'key_blocks["{escape(key.name)}"].value' for key in rig.keys.key_blocks}


def _no_keys(rig: _Rig) -> Obstacle:
    if any(keyframes.own_curves(owner) for owner in rig.animated):
        return Obstacle(
            "no_mouth", f"No key of artalk on '{rig.item.name}' moves its mouth: see the panel Mapping for what should."
        )
    return Obstacle("no_keys", f"There are no keys of artalk on '{rig.item.name}': generate first.")


def _unknown(rig: _Rig) -> Obstacle:
    return Obstacle(
        "unknown",
        f"The mesh '{rig.item.name}' stays as it is although its keys change: look for modifiers or another "
        "animation that move it.",
    )
