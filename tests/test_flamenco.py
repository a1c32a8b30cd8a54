# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flamenco job type, compiled by a JavaScript engine with a stand-in for what a Manager gives it."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from .conftest import ROOT

SCRIPT = ROOT / "tools" / "flamenco" / "artalk-lines.js"

MANAGER = """
const fs = require("fs"), vm = require("vm");
const tasks = [];
const author = {
  Task: (name, type) => ({
    name, type, commands: [], needs: [],
    addCommand(command) { this.commands.push(command); },
    addDependency(task) { this.needs.push(task.name); },
  }),
  Command: (name, parameters) => ({ name, parameters }),
};
const context = vm.createContext({ author, print: () => {} });
vm.runInContext(fs.readFileSync(process.argv[1], "utf-8"), context);
vm.runInContext("this.type = JOB_TYPE", context);
const asked = JSON.parse(process.argv[2]);
const settings = {};
for (const each of context.type.settings) {
  if (each.default !== undefined) settings[each.key] = each.default;
}
try {
  context.compileJob({ settings: Object.assign(settings, asked), addTask(task) { tasks.push(task); } });
  console.log(JSON.stringify({ tasks, type: context.type }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
"""


def compiled(**settings):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node, which runs the script, is not installed")
    command = [node, "-e", MANAGER, SCRIPT, json.dumps({"blendfile": "/shots/a.blend"} | settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_every_worker_gets_the_table_and_the_last_task_what_is_left():
    tasks = compiled(lines="/shots/lines.csv", workers=3, seed=7)["tasks"]
    assert [task["name"] for task in tasks] == [*(f"lines, worker {n}" for n in (1, 2, 3)), "what is left"]
    assert tasks[-1]["needs"] == [task["name"] for task in tasks[:-1]]
    for task in tasks:
        (command,) = task["commands"]
        assert (task["type"], command["name"]) == ("blender", "blender-render")
        given = command["parameters"]
        assert (given["exe"], given["exeArgs"]) == ("{blender}", "{blenderArgs}")
        assert [*given["argsBefore"], given["blendfile"], *given["args"]] == [
            *("--background", "/shots/a.blend", "--command", "artalk", "generate"),
            *("--lines", "/shots/lines.csv", "--model", "mini", "--seed", "7"),
        ]


def test_other_weights_are_passed_on():
    task = compiled(lines="l.csv", model="artalk", weights="/models/a.pt")["tasks"][0]
    assert task["commands"][0]["parameters"]["args"][-4:] == ["--seed", "0", "--weights", "/models/a.pt"]


def test_paths_that_count_from_the_open_file_are_given_as_the_workers_find_them():
    """Blender's file browser gives such paths, and what a worker opens is a copy that lies elsewhere."""
    found = compiled(
        lines="//lines.csv", model="artalk", weights="//a.pt", lines_path="/s/l.csv", weights_path="/s/a.pt"
    )
    given = found["tasks"][0]["commands"][0]["parameters"]["args"]
    assert given[given.index("--lines") + 1] == "/s/l.csv"
    assert given[given.index("--weights") + 1] == "/s/a.pt"
    evaluated = {each["key"]: each.get("eval") for each in found["type"]["settings"]}
    paths = type("Path", (), {"abspath": staticmethod(lambda path: path.replace("//", "/shots/"))})
    names = {
        "bpy": type("Bpy", (), {"path": paths}),
        "settings": type("Settings", (), {"lines": "//l.csv", "weights": ""}),
    }
    assert eval(evaluated["lines_path"], names) == "/shots/l.csv"
    assert eval(evaluated["weights_path"], names) == ""


def test_what_is_asked_for_is_described():
    settings = compiled(lines="l.csv")["type"]["settings"]
    assert {each["key"] for each in settings if each.get("required")} == {"lines", "blendfile"}
    assert all(each["description"] and each["type"] in {"string", "int32"} for each in settings)


@pytest.mark.parametrize(("settings", "words"), [({"lines": ""}, "table of lines"), ({"workers": 0}, "one worker")])
def test_bad_settings_are_said(settings, words):
    assert words in compiled(**{"lines": "l.csv"} | settings)["error"]
