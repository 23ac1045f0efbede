// Folders and files made to do harm, end to end: qkscope-cli refuses each in one sentence, with little time
// and memory.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cli.h"
#include "tests/support/npy_bytes.h"
#include "tests/support/sanitizers.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t ten_gigabytes = 10'000'000'000;

/// What a program that has ended said and cost.
struct Cost {
  CliResult result;
  double seconds = 0;  // of processors: other programs run beside this one
  double megabytes = 0;
};

Cost run_measured(const Arguments& arguments, const std::string& folder) {
  const std::string out = folder + "/said.out", err = folder + "/said.err";
  Arguments all = Arguments{program("qkscope-cli").toStdString()} + arguments;
  std::vector<char*> raw;
  for (std::string& argument : all) raw.push_back(argument.data());
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), fresh, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), fresh, 0600);
  pid_t child = 0;
  const int failed = posix_spawn(&child, raw[0], &actions, nullptr, raw.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = -1;
  rusage used{};
  if (failed != 0 || wait4(child, &status, 0, &used) != child) return {};
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return {{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(out), read_file(err)},
          seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1000};
}

json small_config() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"vocab_size", 40},
          {"hidden_size", 16},
          {"intermediate_size", 24},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"rms_norm_eps", 0.00001}};
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

/// `count` times 16 MB of zeros in a few bytes each: a flushed block stands for itself, however often.
std::string packed_zeros(int count) {
  std::string packed(1 << 20, '\0');
  const std::string zeros(std::size_t{16} << 20, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FULL_FLUSH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  std::string all;
  for (int i = 0; i < count; ++i) all += packed;
  return all + std::string("\x03\0", 2);  // an empty last block
}

}  // namespace

class TestCliHostile : public TestCase {
  Q_OBJECT
 private:
  /// Writes a folder; `name` is the row's.
  using Make = void (*)(const fs::path& folder);
  struct Row {
    const char* name;
    Make make;
    Arguments command;  // FOLDER stands for the folder
    std::vector<std::string> words;
  };

  static void with_config(const fs::path& folder, const json& config = small_config()) {
    write_file(folder / "config.json", config.dump());
  }
  /// Sound, but for a tokenizer.
  static void with_model(const fs::path& folder) {
    for (const char* name : {"config.json", "model.safetensors"})
      fs::copy_file(golden("models") / "llama-default" / name, folder / name);
  }
  static void grow(const fs::path& file) { fs::resize_file(file, ten_gigabytes); }

  static std::vector<Row> rows() {
    const Arguments info{"info", "FOLDER"};
    const auto file = [](const char* command, const char* name) {
      return Arguments{command, std::string("FOLDER/") + name};
    };
    const auto dump = [](const char* name) {
      return Arguments{"massive", "--dump", std::string("FOLDER/") + name};
    };
    return {
        {"a header longer than its file",
         [](const fs::path& folder) {
           with_config(folder);
           std::string bytes;
           put<std::uint64_t>(bytes, std::uint64_t{1} << 62);
           write_file(folder / "model.safetensors", bytes + "{}");
         },
         info,
         {"model.safetensors", "header"}},
        {"a header of 9 GB",
         [](const fs::path& folder) {
           with_config(folder);
           std::string bytes;
           put<std::uint64_t>(bytes, 9'000'000'000);
           write_file(folder / "model.safetensors", bytes + "{");
           grow(folder / "model.safetensors");
         },
         info,
         {"model.safetensors", "header"}},
        {"a line of 10 GB in a vocabulary",
         [](const fs::path& folder) {
           with_model(folder);
           write_file(folder / "vocab.json", R"({"a": 0, "b": 1})");
           write_file(folder / "merges.txt", "a b");
           grow(folder / "merges.txt");
         },
         {"tokens", "FOLDER", "--prompt", "x"},
         {"merges.txt"}},
        {"deep JSON in config.json",
         [](const fs::path& folder) {
           write_file(folder / "config.json", R"({"a": )" + nested(5'000'000) + "}");
         },
         info,
         {"config.json", "deep"}},
        {"deep JSON in a header",
         [](const fs::path& folder) {
           with_config(folder);
           write_file(folder / "model.safetensors", safetensors_bytes(R"({"a": )" + nested(5'000'000) + "}"));
         },
         info,
         {"model.safetensors", "deep"}},
        {"an index of itself",
         [](const fs::path& folder) {
           with_config(folder);
           const char* name = "model.safetensors.index.json";
           write_file(folder / name, json{{"weight_map", {{"model.embed_tokens.weight", name}}}}.dump());
         },
         info,
         {"index.json"}},
        {"links in a circle",
         [](const fs::path& folder) {
           with_config(folder);
           fs::create_symlink("b.safetensors", folder / "model.safetensors");
           fs::create_symlink("model.safetensors", folder / "b.safetensors");
         },
         info,
         {"model.safetensors"}},
        {"a zip bomb",
         [](const fs::path& folder) {
           const std::string bomb = packed_zeros(250);
           write_file(folder / "q.npz", zip_of({{"q.npy", bomb, 4'000'000'000U, 8}}));
         },
         dump("q.npz"),
         {"q.npz"}},
        {"an array that claims 10 TB",
         [](const fs::path& folder) {
           write_file(folder / "q.npy", npy_bytes("<f4", {100000, 100000, 250}, "0123"));
         },
         dump("q.npy"),
         {"q.npy"}},
        {"a sparse array of 10 GB",
         [](const fs::path& folder) {
           const std::int64_t positions = static_cast<std::int64_t>(ten_gigabytes) / (4 * 8 * 64);
           write_file(folder / "q.npy", npy_bytes("<f4", {positions, 8, 64}, ""));
           grow(folder / "q.npy");
         },
         dump("q.npy"),
         {"q.npy"}},
        {"a pickle that builds itself up",
         [](const fs::path& folder) {
           std::string body = "]";
           for (int i = 0; i < 2'000'000; ++i) body += "](";
           write_file(folder / "q.pt", zip_bytes({{"a/data.pkl", pickle(body)}}));
         },
         dump("q.pt"),
         {"q.pt"}},
        {"counts beyond all bounds",
         [](const fs::path& folder) {
           GgufBytes file;
           file.num_tensors = std::uint64_t{1} << 60;
           write_file(folder / "m.gguf", file.bytes());
         },
         file("info", "m.gguf"),
         {"m.gguf"}},
        {"a list of 10 GB in a GGUF file",
         [](const fs::path& folder) {
           GgufBytes file;
           std::string list;
           put<std::uint32_t>(list, GgufBytes::String);
           put<std::uint64_t>(list, ten_gigabytes / 16);
           file.raw("tokenizer.ggml.tokens", GgufBytes::Array, list);
           write_file(folder / "m.gguf", file.bytes());
           grow(folder / "m.gguf");
         },
         file("info", "m.gguf"),
         {"m.gguf"}},
        {"a model of a billion layers",
         [](const fs::path& folder) {
           json config = small_config();
           config["num_hidden_layers"] = 1'000'000'000;
           with_config(folder, config);
           write_file(folder / "model.safetensors", safetensors_bytes("{}"));
         },
         info,
         {"num_hidden_layers", "1000000000"}},
        {"a config.json that is a pipe",
         [](const fs::path& folder) { mkfifo((folder / "config.json").c_str(), 0600); },
         info,
         {"config.json"}},
    };
  }

 private Q_SLOTS:
  void refusedCheaply_data() {
    QTest::addColumn<int>("number");
    const std::vector<Row> all = rows();
    for (std::size_t i = 0; i < all.size(); ++i) QTest::newRow(all[i].name) << static_cast<int>(i);
  }
  void refusedCheaply() {
    QFETCH(int, number);
    const Row row = rows()[static_cast<std::size_t>(number)];
    const QTemporaryDir folder, said;
    const std::string path = folder.path().toStdString();
    row.make(path);
    Arguments command = row.command;
    for (std::string& argument : command) {
      if (argument.starts_with("FOLDER")) argument.replace(0, 6, path);
    }
    const Cost cost = run_measured(command, said.path().toStdString());
    QVERIFY2(cost.result.refuses(1, row.words), told(cost.result).c_str());
    QVERIFY2(cost.result.err.size() < 1000, told(cost.result).c_str());
    QVERIFY2(cost.seconds < 5 * sanitizer_cost, std::to_string(cost.seconds).c_str());
    QVERIFY2(cost.megabytes < 1000 * sanitizer_cost, std::to_string(cost.megabytes).c_str());
  }
};

QTEST_GUILESS_MAIN(TestCliHostile)
#include "test_cli_hostile.moc"
