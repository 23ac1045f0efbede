#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "app/cli/command.h"
#include "app/cli/interrupt.h"
#include "core/io/atomic_file.h"

namespace {

using namespace qkscope;
using namespace qkscope::cli;

void run(const Invocation& invocation, std::stop_token stop) {
  const Options& options = invocation.options;
  std::ostream nowhere(nullptr);
  const Context context{options, options.json ? nowhere : std::cout, std::move(stop)};
  const Document document = invocation.command->run(context);
  const bool is_own = (invocation.command->groups & (Folder | Recorded)) != 0 || options.activations.folder;
  if (!options.out.empty() && !is_own && !options.out.ends_with(".safetensors")) {
    const bool is_table = invocation.command->csv && options.out.ends_with(".csv");
    write_whole(options.out, is_table ? invocation.command->csv(context, document) : json_text(document));
  }
  if (options.json) std::cout << json_text(document);
}

int fail(std::string_view text, int code) {
  // What was printed before stands before the sentence, as far as it can.
  std::cout.exceptions(std::ios::goodbit);
  std::cout.flush();
  // Libraries' own errors go on for pages of stack frames.
  std::cerr << "qkscope-cli: " << text.substr(0, text.find('\n')) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // A full disk or a closed pipe ends the work at once, with a sentence, and never passes for success.
  std::signal(SIGPIPE, SIG_IGN);
  std::cout.exceptions(std::ios::badbit | std::ios::failbit);
  try {
    if (const auto invocation = parse(argc, argv)) {
      Interrupt interrupt;
      run(*invocation, interrupt.token());
    }
    std::cout << std::flush;
    return 0;
  } catch (const std::ios_base::failure&) {
    const int problem = errno;
    return fail(std::string("cannot write to standard output: ") + std::strerror(problem), 1);
  } catch (const UsageError& error) {
    return fail(error.what(), 2);
  } catch (const Cancelled& error) {
    return fail(error.what(), 130);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}
