#pragma once
#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

/// A test that writes files of tasks and experiments into a folder that is gone afterwards.
class TaskTestCase : public TestCase {
 protected:
  std::string path(const std::string& name) const {
    return folder_.filePath(QString::fromStdString(name)).toStdString();
  }
  std::string write(const std::string& name, const std::string& text) const {
    write_file(path(name), text);
    return path(name);
  }
  std::string write_object(const std::string& name, const nlohmann::json& document) const {
    return write(name, document.dump());
  }
  nlohmann::json task() const {
    return {{"kind", "memory"},
            {"prompt", "Capital of {country}?"},
            {"answers", "{capital}"},
            {"rule", "contains"},
            {"items",
             {{{"country", "France"}, {"capital", "Paris"}},
              {{"country", "India"}, {"capital", {"New Delhi", "Delhi"}}}}}};
  }

  QTemporaryDir folder_;
};

}  // namespace qkscope::test
