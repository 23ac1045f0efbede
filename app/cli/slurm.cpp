#include "app/cli/slurm.h"

#include <array>
#include <cstdio>
#include <filesystem>

#include "core/base/blanks.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/tasks/datasets.h"
#include "core/tasks/experiment.h"

namespace qkscope::cli {

namespace {

namespace fs = std::filesystem;

/// As a shell reads it back.
std::string quoted(const std::string& text) {
  std::string made = "'";
  for (const char c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

std::string absolute(const std::string& path) {
  std::error_code problem;
  return fs::exists(path, problem) ? fs::absolute(path).lexically_normal().string() : path;
}

std::string own_program() {
  std::error_code problem;
  const fs::path path = fs::read_symlink("/proc/self/exe", problem);
  return problem ? "qkscope-cli" : path.string();
}

void write(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// The id of the job that sbatch made of `script`.
std::string submit(const std::string& options, const fs::path& script) {
  const std::string command = "sbatch --parsable " + options + quoted(script.string()) + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw Error("Cannot run sbatch; is Slurm installed here?");
  std::string said;
  std::array<char, 256> piece{};
  while (std::fgets(piece.data(), static_cast<int>(piece.size()), pipe)) said += piece.data();
  const int status = ::pclose(pipe);
  const std::string id(without_blanks(said));
  if (status != 0)
    throw Error("sbatch did not take " + in_quotes(script.string()) + ": " + in_quotes(id) +
                "; give --dry-run to write the scripts alone");
  return id.substr(0, id.find(';'));  // "id;cluster"
}

std::string header(const std::string& name, const fs::path& log) {
  return "#!/bin/bash\n#SBATCH --job-name=" + name + "\n#SBATCH --output=" + log.string() +
         "\n#SBATCH --nodes=1\n#SBATCH --ntasks=1\n";
}

}  // namespace

Document run_slurm(const Context& context) {
  const Options& options = context.options;
  const ExperimentOptions& asked = options.experiment;
  const fs::path file = fs::absolute(find_experiment(asked.what.front()));
  const Experiment experiment = read_experiment(file, asked.data);  // so that mistakes are told now
  std::error_code problem;
  fs::create_directories(options.out, problem);
  const fs::path folder = fs::absolute(options.out).lexically_normal();
  if (folder.string().find_first_of(" \n\t%\"'") != std::string::npos)
    throw Error("Slurm cannot write its logs to " + in_quotes(folder.string()) +
                "; give --out a folder without blanks, quotes and % in its name");
  const int shards = asked.nodes * std::max(1, asked.gpus);
  std::string run = quoted(own_program()) + " experiment run " + quoted(file.string());
  if (!options.model.empty()) run += " " + quoted(absolute(options.model));
  if (!asked.data.empty()) run += " --data " + quoted(absolute(asked.data));
  if (options.load.device != "auto") run += " --device " + options.load.device;
  if (options.load.dtype != "auto") run += " --dtype " + options.load.dtype;
  if (options.load.threads > 0) run += " --threads " + std::to_string(options.load.threads);
  run += " --out " + quoted(folder.string()) + " --shard \"$SLURM_ARRAY_TASK_ID/" + std::to_string(shards) +
         "\"";
  const fs::path array = folder / "shards.sbatch", merge = folder / "merge.sbatch";
  write(array, header("qkscope", folder / "shard-%a.log") + "#SBATCH --array=1-" + std::to_string(shards) +
                   "\n" + (asked.gpus > 0 ? "#SBATCH --gres=gpu:1\n" : "") +
                   "#SBATCH --requeue\n#SBATCH --open-mode=append\n"
                   "# Killed or put back into the queue, it goes on where it was.\nexec " +
                   run + "\n");
  write(merge, header("qkscope-merge", folder / "merge.log") + "set -e\n" + quoted(own_program()) +
                   " experiment merge " + quoted(folder.string()) + " --json > " +
                   quoted((folder / "table.json.part").string()) + "\nmv " +
                   quoted((folder / "table.json.part").string()) + " " +
                   quoted((folder / "table.json").string()) + "\n");
  Document json = {{"shards", shards}, {"array", array.string()}, {"merge", merge.string()}};
  context.text << array.string() << "\n" << merge.string() << "\n";
  if (asked.dry_run) return json;
  const std::string id = submit("", array), after = submit("--dependency=afterok:" + id + " ", merge);
  json["array_job"] = id;
  json["merge_job"] = after;
  context.text << "submitted as jobs " << id << " and " << after << "\n";
  return json;
}

}  // namespace qkscope::cli
