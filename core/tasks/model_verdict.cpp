#include "core/tasks/model_verdict.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>

#include "core/base/wording.h"
#include "core/io/text_rows.h"
#include "core/model/language_model.h"
#include "core/run/runner.h"

namespace qkscope {

namespace {

template <typename Value>
Spread spread(std::span<const PromptVerdict> prompts, const Value& value) {
  std::vector<double> values;
  for (const PromptVerdict& prompt : prompts) {
    if (const double x = value(prompt); std::isfinite(x)) values.push_back(x);
  }
  return spread_of(values);
}

/// No number where there is no whole.
double share(double part, std::int64_t whole) {
  return part / static_cast<double>(whole);
}

double share(std::int64_t part, std::int64_t whole) {
  return share(static_cast<double>(part), whole);
}

ModelVerdict::OfSite of_site(std::span<const PromptVerdict> prompts, const SiteVerdict Verdict::*site) {
  const auto about = [&](const auto& value) {
    return spread(prompts, [&](const PromptVerdict& prompt) { return value(prompt.verdict.*site, prompt); });
  };
  return {.massive =
              about([](const SiteVerdict& v, const auto&) { return static_cast<double>(v.count.massive); }),
          .low_frequency_half = about([](const SiteVerdict& v, const PromptVerdict& prompt) {
            return prompt.verdict.rope ? share(v.count.low_frequency_half, v.count.massive) : NAN;
          }),
          .heads = about([](const SiteVerdict& v, const auto&) { return share(v.heads_with, v.heads); }),
          .stripes =
              about([](const SiteVerdict& v, const auto&) { return static_cast<double>(v.stripes.size()); })};
}

std::string fields(const Spread& spread) {
  if (spread.of == 0) return ",,,,";
  std::string text;
  for (const double value : {spread.mean, spread.deviation, spread.least, spread.most})
    text += "," + number_text(value);
  return text;
}

}  // namespace

PromptVerdict verdict_on(Runner& runner, const LanguageModel& model, const TokenIds& prompt, double lambda,
                         std::stop_token stop) {
  constexpr std::array sites{Site::Query, Site::Key, Site::Value};
  RunRequest request;
  request.prompt = prompt;
  request.needs.norms = {sites.begin(), sites.end()};
  const auto run = runner.run(request, {}, std::move(stop));
  const LayerAxes axes(model.spec(), run->capture.positions);
  return {run->capture.positions, verdict(run->capture.norms, sites, lambda, axes),
          partner_links(run->capture.norms, Site::Query, Site::Key, lambda, axes)};
}

Spread spread_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  Spread spread;
  spread.of = values.size();
  spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / count);
  spread.least = *std::ranges::min_element(values);
  spread.most = *std::ranges::max_element(values);
  return spread;
}

ModelVerdict summarize(const std::string& model, std::span<const PromptVerdict> prompts) {
  ModelVerdict of;
  of.model = model;
  of.prompts = prompts.size();
  of.rope = !prompts.empty() && prompts.front().verdict.rope;
  of.concentrated = static_cast<std::size_t>(
      std::ranges::count_if(prompts, [](const auto& prompt) { return prompt.verdict.concentrated; }));
  of.query = of_site(prompts, &Verdict::query);
  of.key = of_site(prompts, &Verdict::key);
  of.value = of_site(prompts, &Verdict::value);
  of.heads_share = spread(prompts, [](const auto& prompt) { return prompt.verdict.heads_share; });
  of.low_share = spread(prompts, [](const auto& prompt) {
    const Verdict& v = prompt.verdict;
    return v.rope && v.query.count.massive + v.key.count.massive > 0 ? v.low_share : NAN;
  });
  of.linked =
      spread(prompts, [](const auto& prompt) { return share(prompt.links.linked, prompt.links.key_values); });
  of.by_chance = spread(prompts, [](const auto& prompt) {
    return share(prompt.links.expected_linked, prompt.links.key_values);
  });
  return of;
}

std::vector<CommonLink> common_links(std::span<const PromptVerdict> prompts) {
  std::vector<PartnerLink> all;
  for (const PromptVerdict& prompt : prompts)
    all.insert(all.end(), prompt.links.links.begin(), prompt.links.links.end());
  const auto place = [](const PartnerLink& link) {
    return std::tuple(link.layer, link.kv_head, link.key_dim, link.head, link.query_dim);
  };
  std::ranges::sort(all, {}, place);
  std::vector<CommonLink> links;
  for (const PartnerLink& link : all) {
    if (links.empty() || links.back().link != link) links.push_back({link, 0});
    ++links.back().prompts;
  }
  std::ranges::stable_sort(links, std::greater<>(), &CommonLink::prompts);
  return links;
}

std::string to_csv(std::span<const ModelVerdict> models) {
  std::string text = "model,prompts,rope,concentrated,site";
  for (const char* what : {"massive", "low_frequency_half", "heads", "stripes", "linked", "by_chance"}) {
    for (const char* number : {"mean", "std", "min", "max"}) text += "," + std::string(what) + "_" + number;
  }
  text += "\r\n";
  for (const ModelVerdict& model : models) {
    for (const auto& [name, site] : {std::pair("q", &model.query), {"k", &model.key}, {"v", &model.value}}) {
      text += csv_field(model.model) + "," + std::to_string(model.prompts) +
              (model.rope ? ",true," : ",false,") + std::to_string(model.concentrated) + "," + name;
      for (const Spread& spread : {site->massive, site->low_frequency_half, site->heads, site->stripes})
        text += fields(spread);
      const bool is_key = site == &model.key;
      text += fields(is_key ? model.linked : Spread()) + fields(is_key ? model.by_chance : Spread()) + "\r\n";
    }
  }
  return text;
}

std::string to_csv(const std::string& model, std::size_t prompts, std::span<const CommonLink> links) {
  std::string text = "model,layer,kv_head,key_dim,head,query_dim,on_prompts,of_prompts\r\n";
  for (const auto& [link, on] : links) {
    text += csv_field(model);
    for (const int number : {link.layer, link.kv_head, link.key_dim, link.head, link.query_dim})
      text += "," + std::to_string(number);
    text += "," + std::to_string(on) + "," + std::to_string(prompts) + "\r\n";
  }
  return text;
}

}  // namespace qkscope
