# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's files in every form, hostile ones among them, and its forward pass against the published layer's numbers."""

from __future__ import annotations

import os
import pickle
import struct
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import torch
from artalk.core.basis import ARKIT, FLAME
from artalk.core.convert import is_flame_file
from artalk.core.errors import InputError
from artalk.core.heads import flame
from artalk.core.heads.flame_files import read_betas, read_flame
from artalk.core.motion import Motion
from golden.fill import flame_arrays
from golden.models import flame_model, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

FIELDS = ("template", "faces", "identities", "expressions", "correctives", "regressor", "weights")
SMALL = 40


# --- forward pass ---------------------------------------------------------------------------------------------------


def rotations(head_and_jaw, eyes=0.0, count=8):
    full = np.zeros((count, 15), np.float32)
    full[:, :3], full[:, 6:9] = head_and_jaw[:, :3], head_and_jaw[:, 3:]
    full[:, 9:] = eyes
    return full


@pytest.mark.parametrize("case", ["verts", "verts_eye", "verts_pose3", "verts_full_pose"])
def test_vertices_are_the_published_layers(case):
    vectors = golden("flame")
    pose = {
        "verts": rotations(vectors["pose"]),
        "verts_eye": rotations(vectors["pose"], vectors["eye_pose"]),
        "verts_pose3": rotations(vectors["pose"] * [0, 0, 0, 1, 1, 1]),
        "verts_full_pose": vectors["full_pose"],
    }[case]
    found = flame.vertices(flame_model(), vectors["expression"], pose, vectors["shape"])
    np.testing.assert_allclose(found[:, :: int(vectors["vertex_step"])], vectors[case], atol=1e-6)
    np.testing.assert_allclose(found.mean(1, dtype=np.float64), vectors[f"{case}_mean"], atol=1e-6)


def test_joints_and_rotations_are_the_published_layers():
    vectors = golden("flame")
    found = flame.joints(flame_model(), vectors["expression"], vectors["full_pose"], vectors["shape"])
    np.testing.assert_allclose(found, vectors["joints_full_pose"], atol=1e-6)
    np.testing.assert_allclose(
        flame.rotation_matrices(vectors["rot_vecs"].astype(np.float64)), vectors["rot_mats"], atol=1e-6
    )


@pytest.mark.parametrize("head", [True, False])
def test_motion_moves_the_vertices_as_published(head):
    vectors = golden("flame")
    found = flame.motion_vertices(
        flame_model(), Motion(vectors["motion"], FLAME, 25.0), vectors["shape"][:4], head=head
    )
    wanted = vectors[f"motion_verts_{'with' if head else 'without'}_global"]
    np.testing.assert_allclose(found[:, :: int(vectors["vertex_step"])], wanted, atol=1e-6)


def test_only_flame_motion_moves_flame():
    with pytest.raises(InputError, match="not by 'arkit'"):
        flame.motion_vertices(flame_model(SMALL), Motion(np.zeros((2, len(ARKIT))), ARKIT, 25.0))


def test_an_identity_can_be_baked():
    model, betas = flame_model(SMALL), np.linspace(-2, 2, 25)
    pose = np.random.default_rng(0).normal(0, 0.3, (3, 15))
    expression = np.random.default_rng(1).normal(0, 1, (3, 20))
    baked = flame.vertices(flame.with_identity(model, betas), expression, pose)
    np.testing.assert_allclose(baked, flame.vertices(model, expression, pose, betas), atol=1e-6)
    assert np.abs(baked - flame.vertices(model, expression, pose)).max() > 1e-3


def test_too_many_numbers_are_refused():
    with pytest.raises(InputError, match="301 identity numbers, but this FLAME file has 300"):
        flame.with_identity(flame_model(SMALL), np.zeros(301))
    with pytest.raises(InputError, match="101 expression numbers"):
        flame.vertices(flame_model(SMALL), np.zeros((1, 101)), np.zeros((1, 15)))


@settings(deadline=None, max_examples=30)
@given(st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_turn_of_the_root_moves_the_head_as_one(turn):
    model = flame_model(SMALL)
    pose = np.zeros((1, 15))
    pose[0, 6:] = 0.2
    rest = flame.vertices(model, np.ones((1, 5)), pose)[0]
    pose[0, :3] = turn
    turned = flame.vertices(model, np.ones((1, 5)), pose)[0]
    pivot = flame.joints(model, np.ones((1, 5)), pose)[0, 0]
    np.testing.assert_allclose(turned - pivot, (rest - pivot) @ Rotation.from_rotvec(turn).as_matrix().T, atol=2e-6)


def test_the_fingerprint_knows_a_basis_whatever_the_file():
    model = flame_model(SMALL)
    fifty = replace(model, expressions=model.expressions[:, :, :50])
    doubles = replace(model, expressions=model.expressions.astype(np.float64))
    other = replace(model, expressions=model.expressions + np.float32(1e-6))
    assert flame.fingerprint(model) == flame.fingerprint(fifty) == flame.fingerprint(doubles)
    assert flame.fingerprint(model) != flame.fingerprint(other)


# --- files ----------------------------------------------------------------------------------------------------------


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, as the files of FLAME 2020 have them."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012 (pickle's own way)

    def save_bytes(self, text):
        self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    dispatch[bytes] = save_bytes


@pytest.fixture
def old_modules(monkeypatch):
    """chumpy and scipy under the names that they had when FLAME 2020 was written."""

    class Ch:
        def __init__(self, x):
            self.x, self._dirty_vars, self._itr = x, set(), None

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    for name in ("chumpy", "chumpy.ch", "scipy.sparse.csc"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["chumpy.ch"].Ch = Ch
    sys.modules["scipy.sparse.csc"].csc_matrix = scipy.sparse.csc_matrix
    monkeypatch.setattr(scipy.sparse.csc_matrix, "__module__", "scipy.sparse.csc")
    return Ch


def published_2020(arrays, wrap):
    """The content of a FLAME 2020 pickle: float64, chumpy around most arrays, a sparse regressor."""
    doubles = {name: array.astype(np.float64) for name, array in arrays.items()}
    return {
        **{name: wrap(doubles[name]) for name in ("v_template", "shapedirs", "posedirs", "weights")},
        "J_regressor": scipy.sparse.csc_matrix(doubles["J_regressor"]),
        "f": arrays["f"].astype(np.uint32),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "bs_type": "lrotmin",
    }


def same(found, wanted):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_the_pickles_of_2020_are_read_without_chumpy(tmp_path, old_modules, protocol):
    content = published_2020(flame_arrays(SMALL), old_modules)
    with (tmp_path / "generic_model.pkl").open("wb") as file:
        (pickle._Pickler if protocol == 0 else Python2Pickler)(file, protocol).dump(content)
    written = (tmp_path / "generic_model.pkl").read_bytes()
    assert b"chumpy" in written
    assert b"scipy.sparse.csc\n" in written
    for name in ("chumpy", "chumpy.ch"):
        del sys.modules[name]
    same(read_flame(tmp_path / "generic_model.pkl"), flame_model(SMALL))
    assert "chumpy" not in sys.modules


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_pickles_of_2023_are_read(tmp_path, protocol):
    arrays = flame_arrays(SMALL)
    (tmp_path / "flame2023.pkl").write_bytes(pickle.dumps(published_2020(arrays, np.asfortranarray), protocol))
    same(read_flame(tmp_path / "flame2023.pkl"), flame_model(SMALL))


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.coo_matrix, scipy.sparse.csc_array])
def test_regressors_are_read_in_every_sparse_form(tmp_path, form):
    arrays = flame_arrays(SMALL)
    content = {**arrays, "J_regressor": form(arrays["J_regressor"])}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    same(read_flame(tmp_path / "x.pkl"), flame_model(SMALL))


@pytest.mark.parametrize("identities", [300, 100])
@pytest.mark.parametrize("expressions", [100, 50])
def test_npz_with_any_number_of_components(tmp_path, identities, expressions):
    arrays = flame_arrays(SMALL)
    shapes = arrays["shapedirs"]
    kept = np.concatenate([shapes[:, :, :identities], shapes[:, :, 300 : 300 + expressions]], axis=2)
    np.savez(tmp_path / "flame.npz", **{**arrays, "shapedirs": kept})
    found = read_flame(tmp_path / "flame.npz")
    np.testing.assert_array_equal(found.identities, shapes[:, :, :identities])
    np.testing.assert_array_equal(found.expressions, shapes[:, :, 300 : 300 + expressions])
    assert flame.fingerprint(found) == flame.fingerprint(flame_model(SMALL))


def with_eye(arrays):
    numbers = {name: torch.from_numpy(array) for name, array in arrays.items()}
    landmarks = torch.arange(70)[None] % len(arrays["f"])
    return {"flame_model": numbers, "lmk_embeddings": {"full_lmk_faces_idx_with_eye": landmarks}}


def test_the_file_of_artalks_tools_is_read_without_torch(tmp_path, monkeypatch):
    arrays = flame_arrays(SMALL)
    content = with_eye(arrays)
    # a view with strides of its own, as converters leave it
    content["flame_model"]["posedirs"] = torch.from_numpy(arrays["posedirs"].transpose(2, 0, 1).copy()).permute(1, 2, 0)
    torch.save(content, tmp_path / "FLAME_with_eye.pt")
    monkeypatch.setitem(sys.modules, "torch", None)
    found = read_flame(tmp_path / "FLAME_with_eye.pt")
    same(found, flame_model(SMALL))
    np.testing.assert_array_equal(found.lips, np.unique(arrays["f"][48:68]))


def test_texture_coordinates_come_along(tmp_path):
    arrays = flame_arrays(SMALL)
    uv = np.random.default_rng(0).random((7, 2)).astype(np.float32)
    corners = np.random.default_rng(1).integers(0, 7, (len(arrays["f"]), 3))
    np.savez(tmp_path / "flame.npz", **arrays, vt=uv, ft=corners)
    np.testing.assert_array_equal(read_flame(tmp_path / "flame.npz").uv, uv[corners])
    np.savez(tmp_path / "flame.npz", **arrays, vt=uv[:3], ft=corners)
    with pytest.raises(InputError, match=r"texture coordinates of 'flame\.npz' do not fit"):
        read_flame(tmp_path / "flame.npz")


def written_as(kind, arrays, path):
    if kind == "pkl":
        path.write_bytes(pickle.dumps(arrays, 2))
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **arrays)
    else:
        torch.save(with_eye(arrays), path)


@pytest.mark.parametrize("kind", ["pkl", "npz", "pt"])
@pytest.mark.parametrize("ending", [".pkl", ".NPZ", ".pt"])
def test_what_a_file_is_its_content_says_not_its_ending(tmp_path, kind, ending):
    path = tmp_path / f"flame{ending}"
    written_as(kind, flame_arrays(SMALL), path)
    same(read_flame(path), flame_model(SMALL))
    assert is_flame_file(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refused(path, "damaged, cut short or no FLAME file")


# --- files that are wrong -------------------------------------------------------------------------------------------


class Runs:
    """An object whose pickle calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def refused(path, words):
    with pytest.raises(InputError) as caught:
        read_flame(path)
    message = str(caught.value)
    assert words in message, message
    assert message.endswith("."), message


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("ending", [".pkl", ".pt"])
def test_nothing_in_a_file_is_ever_run(tmp_path, protocol, ending):
    trace = tmp_path / "it_ran"
    path = tmp_path / f"evil{ending}"
    for evil in (
        Runs(os.system, f"touch {trace}"),
        Runs(exec, f"open({str(trace)!r}, 'w')"),
        Runs(os.mkdir, str(trace)),
    ):
        content = {**flame_arrays(SMALL), "flame_model": {}, "extra": evil}
        if ending == ".pkl":
            path.write_bytes(pickle.dumps(content, protocol))
        else:
            torch.save(content, path, pickle_protocol=max(2, protocol))
        refused(path, "holds more than arrays")
        assert not trace.exists()


def test_no_object_of_the_interpreter_can_be_reached(tmp_path):
    path = tmp_path / "evil.pkl"
    for module, name in (("builtins", "getattr"), ("numpy", "load"), ("numpy.testing", "runstring"), ("os", "system"),
                         ("artalk.core.heads.flame_files", "Path"), ("scipy.sparse", "load_npz")):  # fmt: skip
        path.write_bytes(b"\x80\x02c" + f"{module}\n{name}\n".encode() + b".")
        refused(path, f"{module}.{name}")
    # the admitted rebuilder makes nothing but the stand-ins
    path.write_bytes(b"\x80\x02ccopy_reg\n_reconstructor\ncnumpy\nndarray\nc__builtin__\nobject\nN\x87R.")
    refused(path, "holds more than arrays")
    path.write_bytes(b"\x80\x02X\x01\x00\x00\x00aQ.")
    refused(path, "a reference to outside")


def test_another_model_is_refused(tmp_path):
    body = {
        "v_template": np.zeros((60, 3)), "shapedirs": np.zeros((60, 3, 10)), "posedirs": np.zeros((60, 3, 207)),
        "J_regressor": scipy.sparse.csc_matrix(np.ones((24, 60))), "weights": np.zeros((60, 24)),
    }  # fmt: skip
    (tmp_path / "body.pkl").write_bytes(pickle.dumps(body, 2))
    refused(tmp_path / "body.pkl", "its J_regressor is 24 × 60 instead of 5 × 60")
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1, 2]))
    refused(tmp_path / "list.pkl", "no FLAME file")
    (tmp_path / "other.pkl").write_bytes(pickle.dumps({"lmk_face_idx": np.zeros(3)}))
    refused(tmp_path / "other.pkl", "has no 'v_template'")
    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "weights.pt")
    refused(tmp_path / "weights.pt", "no FLAME file")


@pytest.mark.parametrize(
    ("name", "spoiled", "words"),
    [
        ("weights", lambda a: a[:-1], "its weights is 39 × 5 instead of 40 × 5"),
        ("shapedirs", lambda a: a[:-3], "its shapedirs is 37 × 3 × 400 instead of 40 × 3 × 400"),
        ("shapedirs", lambda a: a[:, :, :110], "has 110 shapes"),
        ("shapedirs", lambda _: np.float32(1.0), "its shapedirs is a single number"),
        ("posedirs", lambda a: a * np.nan, "posedirs of 'x.npz' holds values that are not numbers"),
        ("f", lambda a: a + 40, "faces of 'x.npz' do not fit its 40 vertices"),
        ("v_template", lambda _: np.array(["a"] * 40), "its arrays hold no numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, spoiled, words):
    arrays = flame_arrays(SMALL)
    np.savez(tmp_path / "x.npz", **{**arrays, name: spoiled(arrays[name])})
    refused(tmp_path / "x.npz", words)


@pytest.mark.parametrize("ending", [".pkl", ".npz", ".pt"])
def test_cut_files_are_refused(tmp_path, ending):
    arrays, path = flame_arrays(SMALL), tmp_path / f"x{ending}"
    if ending == ".pkl":
        path.write_bytes(pickle.dumps(arrays))
    elif ending == ".npz":
        np.savez(path, **arrays)
    else:
        torch.save(with_eye(arrays), path)
    whole = path.read_bytes()
    assert read_flame(path).template.shape == (SMALL, 3)
    for share in (0.0, 0.3, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path, "'x")


def test_missing_files_and_other_endings_are_refused(tmp_path):
    refused(tmp_path / "no.pkl", "There is no FLAME file")
    (tmp_path / "head.obj").write_text("v 0 0 0")
    refused(tmp_path / "head.obj", "give a .pkl, .npz or .pt file")


# --- identities -----------------------------------------------------------------------------------------------------


def test_identities_are_read_from_every_form(tmp_path):
    betas = np.linspace(-1, 1, 12).astype(np.float32)
    np.save(tmp_path / "a.npy", betas[None])
    np.savez(tmp_path / "b.npz", shape=betas)
    (tmp_path / "c.csv").write_text(",".join(map(str, betas)))
    (tmp_path / "d.txt").write_text("\n".join(map(str, betas)))
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_allclose(read_betas(path), betas, atol=1e-6)


def test_what_is_no_identity_is_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((2, 10)))
    np.savez(tmp_path / "other.npz", values=np.zeros(4))
    (tmp_path / "words.txt").write_text("a head")
    (tmp_path / "empty.txt").write_text("")
    np.save(tmp_path / "nan.npy", np.full(4, np.nan))
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match=path.name):
            read_betas(path)
    with pytest.raises(InputError, match="There is no identity file"):
        read_betas(tmp_path / "no.npy")
