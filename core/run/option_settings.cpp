#include "core/run/option_settings.h"

#include "core/base/blanks.h"

namespace qkscope {

void refuse_setting(std::string_view subject, std::string_view key, std::string_view found,
                    const std::string& allowed) {
  throw Error(std::string(subject) + ": " + std::string(key) + " is " + in_quotes(found) + ", expected " +
              allowed);
}

Settings read_settings(std::string_view text, std::string_view subject) {
  Settings settings;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    const auto equals = part.find('=');
    if (equals != part.npos) {
      settings.emplace_back(without_blanks(part.substr(0, equals)), without_blanks(part.substr(equals + 1)));
    } else if (!settings.empty()) {
      settings.back().second += "," + std::string(part);  // layers=1-4,7 has commas of its own
    } else {
      refuse_setting(subject, "setting", part, "key=value");
    }
  }
  for (const auto& [key, value] : settings) {
    if (std::ranges::count(settings, key, &Settings::value_type::first) > 1)
      throw Error(std::string(subject) + ": " + in_quotes(key) + " is given twice");
  }
  return settings;
}

}  // namespace qkscope
