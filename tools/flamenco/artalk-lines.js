// SPDX-License-Identifier: GPL-3.0-or-later
// A Flamenco job type: the lines of a CSV, animated in a shot by as many workers as there are.
//
// A job compiler cannot read files, and need not: every task gets the whole table, and the workers share its lines out
// among themselves by locks beside the outputs. What is up to date is passed over, so a task can be run again at any
// time. The last task takes what others left behind, and fails where a line cannot be made.

const JOB_TYPE = {
  label: "ARTalk Lines",
  description: "Speech animation for every line of a CSV: audio, character, style, output",
  settings: [
    {
      key: "lines",
      type: "string",
      subtype: "file_path",
      required: true,
      description: "CSV with the columns audio, character, style, output; paths count from its folder",
    },
    {
      key: "workers",
      type: "int32",
      default: 4,
      description: "How many tasks share the lines: as many as there are workers to use",
    },
    { key: "model", type: "string", default: "mini", description: "Which model speaks" },
    {
      key: "weights",
      type: "string",
      subtype: "file_path",
      default: "",
      description: "Weights file, for a model that does not come with artalk",
    },
    { key: "seed", type: "int32", default: 0, description: "Another number gives other blinks and glances" },
    // Blender's file browser gives paths that count from the open file, which is not where a worker's copy of it lies
    {
      key: "lines_path",
      type: "string",
      eval: "bpy.path.abspath(settings.lines)",
      visible: "web",
      description: "The table, as the workers find it",
    },
    {
      key: "weights_path",
      type: "string",
      eval: "bpy.path.abspath(settings.weights)",
      visible: "web",
      description: "The weights file, as the workers find it",
    },
    {
      key: "blendfile",
      type: "string",
      required: true,
      eval: "bpy.data.filepath",
      visible: "web",
      description: "The shot with the characters",
    },
  ],
};

function compileJob(job) {
  const settings = job.settings;
  if (!settings.lines) {
    throw new Error("No table of lines is given: choose a CSV file.");
  }
  if (!(settings.workers >= 1)) {
    throw new Error("At least one worker is needed: set Workers to 1 or more.");
  }
  const rest = author.Task("what is left", "blender");
  for (let number = 1; number <= settings.workers; number++) {
    const task = author.Task("lines, worker " + number, "blender");
    task.addCommand(generate(settings));
    job.addTask(task);
    rest.addDependency(task);
  }
  rest.addCommand(generate(settings));
  job.addTask(rest);
}

function generate(settings) {
  const args = ["--command", "artalk", "generate", "--lines", settings.lines_path || settings.lines];
  args.push("--model", settings.model || "mini", "--seed", String(settings.seed || 0));
  if (settings.weights) {
    args.push("--weights", settings.weights_path || settings.weights);
  }
  // a Worker knows how to find and start Blender; it runs `exe exeArgs argsBefore blendfile args`
  return author.Command("blender-render", {
    exe: "{blender}",
    exeArgs: "{blenderArgs}",
    argsBefore: ["--background"],
    blendfile: settings.blendfile,
    args: args,
  });
}
