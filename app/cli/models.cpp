#include "app/cli/command.h"
#include "app/cli/output.h"
#include "core/checkpoint/model_shelf.h"

namespace qkscope::cli {

namespace {

/// What is short in a table: the problem is in the JSON, and info tells it, too.
std::string state_words(const ShelfModel& model) {
  if (model.missing.empty()) return model.problem.empty() ? "" : "cannot be opened";
  return "lacks " + model.missing.front() +
         (model.missing.size() == 1 ? "" : " and " + std::to_string(model.missing.size() - 1) + " more");
}

Document json_of(const ShelfModel& model) {
  return {{"name", model.name},
          {"revision", model.revision},
          {"place", shelf_kind_name(model.place.kind)},
          {"path", model.path.string()},
          {"architecture", model.architecture},
          {"format", model.format},
          {"stored_type", model.stored_type},
          {"bytes", model.bytes},
          {"missing", model.missing},
          {"problem", model.problem}};
}

}  // namespace

Document run_models(const Context& context) {
  const std::vector<ShelfPlace> places = shelf_places();
  Document document = {{"models", Document::array()}, {"places", Document::array()}};
  Table table(
      {{"model", false}, {"architecture", false}, {"type", false}, {"size"}, {"place", false}, {"", false}});
  for (ShelfModel& model : list_shelf(places, context.stop)) {
    describe(model, context.stop);
    document["models"].push_back(json_of(model));
    table.add({one_line(full_name(model)), one_line(model.architecture), model.stored_type,
               bytes_text(static_cast<double>(model.bytes)), std::string(shelf_kind_name(model.place.kind)),
               one_line(state_words(model))});
  }
  for (const ShelfPlace& place : places) {
    std::error_code problem;
    document["places"].push_back({{"place", shelf_kind_name(place.kind)},
                                  {"folder", place.folder.string()},
                                  {"exists", std::filesystem::is_directory(place.folder, problem)}});
  }
  if (document["models"].empty()) {
    context.text << "There is no model in any of:\n";
    for (const ShelfPlace& place : places) context.text << "  " << one_line(place.folder.string()) << "\n";
  } else {
    table.print(context.text);
  }
  return document;
}

}  // namespace qkscope::cli
