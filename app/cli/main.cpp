#include <iostream>

#include "app/cli/command.h"
#include "app/cli/interrupt.h"
#include "core/model/atomic_file.h"

namespace {

using namespace qkscope;
using namespace qkscope::cli;

std::string dump(const Document& document) {
  // Paths and metadata need not be UTF-8.
  return document.dump(2, ' ', false, Document::error_handler_t::replace) + "\n";
}

void run(const Invocation& invocation, std::stop_token stop) {
  const Options& options = invocation.options;
  std::ostream nowhere(nullptr);
  const Document document =
      invocation.command->run({options, options.json ? nowhere : std::cout, std::move(stop)});
  if (options.json) std::cout << dump(document);
  if (!options.out.empty() && !options.out.ends_with(".safetensors")) {
    AtomicFile file(options.out);
    file.write(dump(document));
    file.commit();
  }
}

int fail(const std::exception& error, int code) {
  // Libraries' own errors go on for pages of stack frames.
  const std::string_view text = error.what();
  std::cout.flush();
  std::cerr << "qkscope-cli: " << text.substr(0, text.find('\n')) << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto invocation = parse(argc, argv);
    if (!invocation) return 0;
    Interrupt interrupt;
    run(*invocation, interrupt.token());
    return 0;
  } catch (const UsageError& error) {
    return fail(error, 2);
  } catch (const Cancelled& error) {
    return fail(error, 130);
  } catch (const std::exception& error) {
    return fail(error, 1);
  }
}
