// The arithmetic of the CUDA kernels, run on the host lane by lane, and of summaries, against ATen; and on a
// GPU where there is one. What is said where it is missing or full.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>

#include "core/base/cuda_plugin.h"
#include "core/cuda/columns.h"
#include "core/model/language_model.h"
#include "core/model/memory.h"
#include "core/run/activation_summary.h"
#include "core/run/tensor_array.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"
#include "tests/support/test_device.h"

using namespace qkscope;

namespace {

using qkscope::cuda::Columns;
using qkscope::cuda::SquareSum;

Columns columns_of(const at::Tensor& x) {
  return {x.size(0), x.size(1), x.size(2), x.stride(0), x.stride(1)};
}

/// What the kernel does: each lane its share of the positions, then one sum over the lanes.
at::Tensor norms_on_host(const at::Tensor& x, int lanes) {
  const Columns columns = columns_of(x);
  at::Tensor norms = at::empty({columns.heads, columns.head_dim}, at::kFloat);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "norms_on_host", [&] {
    for (std::int64_t column = 0; column < columns.count(); ++column) {
      std::vector<SquareSum> shares;
      for (int lane = 0; lane < lanes; ++lane) {
        shares.push_back(
            qkscope::cuda::sum_of_squares(x.const_data_ptr<scalar_t>(), columns, column, lane, lanes));
      }
      norms.mutable_data_ptr<float>()[column] = qkscope::cuda::norm_of_lanes(shares.data(), lanes, 1);
    }
  });
  return norms;
}

void replace_on_host(at::Tensor x, const at::Tensor& mask, const at::Tensor& values, int lanes) {
  const Columns columns = columns_of(x);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "replace_on_host", [&] {
    for (std::int64_t column = 0; column < columns.count(); ++column) {
      if (!mask.const_data_ptr<bool>()[column]) continue;
      for (int lane = 0; lane < lanes; ++lane) {
        qkscope::cuda::fill_column(x.mutable_data_ptr<scalar_t>(), columns, column,
                                   values.const_data_ptr<float>()[column], lane, lanes);
      }
    }
  });
}

double largest_relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return ((found.to(at::kDouble) - expected) / expected.clamp_min(1e-30)).abs().max().item<double>();
}

/// (positions, heads, head_dim), reproducible; as the decoder makes it: dense, or a view of (head, position,
/// dim).
at::Tensor example(std::int64_t positions, std::int64_t heads, std::int64_t head_dim, at::ScalarType dtype,
                   bool transposed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const at::Tensor x =
      at::randn({heads, positions, head_dim}, generator, at::kFloat).to(dtype).transpose(0, 1);
  return transposed ? x : x.contiguous();
}

void add_examples() {
  QTest::addColumn<int>("positions");
  QTest::addColumn<int>("heads");
  QTest::addColumn<int>("headDim");
  QTest::addColumn<int>("dtype");
  QTest::addColumn<bool>("transposed");
  for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    for (const bool transposed : {false, true}) {
      const std::string name = std::string(c10::toString(dtype)) + (transposed ? " view" : " dense");
      QTest::addRow("one position, %s", name.c_str()) << 1 << 2 << 8 << int(dtype) << transposed;
      QTest::addRow("fewer positions than lanes, %s", name.c_str())
          << 5 << 3 << 64 << int(dtype) << transposed;
      QTest::addRow("odd sizes, %s", name.c_str()) << 129 << 5 << 33 << int(dtype) << transposed;
    }
  }
}

at::Tensor fetch_example() {
  QFETCH(int, positions);
  QFETCH(int, heads);
  QFETCH(int, headDim);
  QFETCH(int, dtype);
  QFETCH(bool, transposed);
  return example(positions, heads, headDim, static_cast<at::ScalarType>(dtype), transposed);
}

struct Replacement {
  at::Tensor mask;      // (head, head_dim), bool
  at::Tensor values;    // (head, head_dim), float32
  at::Tensor expected;  // x with it done, by ATen
};

Replacement example_replacement(const at::Tensor& x) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(8);
  const std::vector<std::int64_t> shape{x.size(1), x.size(2)};
  const at::Tensor mask = at::rand(shape, generator, at::kFloat) < 0.3;
  const at::Tensor values = at::randn(shape, generator, at::kFloat);
  return {mask, values, at::where(mask, values.to(x.scalar_type()), x)};
}

class TestKernels : public qkscope::test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void normsEqualATen_data() { add_examples(); }
  void normsEqualATen() {
    const at::Tensor x = fetch_example();
    const at::Tensor expected = x.to(at::kDouble).norm(2, 0);
    for (const int lanes : {1, 7, 32}) {
      const double error = largest_relative_error(norms_on_host(x, lanes), expected);
      QVERIFY2(error < 3e-7,
               qPrintable(QStringLiteral("%1 lanes: largest relative error %2").arg(lanes).arg(error)));
    }
  }

  // A plain float32 sum is off by 7e-3 here.
  void normsKeepPrecisionOverManyPositions() {
    const at::Tensor x = at::full({1'000'000, 1, 2}, 0.1F, at::kFloat);
    const double error = largest_relative_error(norms_on_host(x, 1), x.to(at::kDouble).norm(2, 0));
    QVERIFY2(error < 3e-7, qPrintable(QString::number(error)));
  }

  void normOfNoPositionIsZero() {
    QVERIFY(at::equal(norms_on_host(at::empty({0, 2, 4}), 32), at::zeros({2, 4})));
  }

  void normsShowWhatIsNotFinite() {
    at::Tensor x = at::ones({4, 1, 3});
    x[2][0][0] = std::numeric_limits<float>::quiet_NaN();
    x[1][0][2] = std::numeric_limits<float>::infinity();
    const at::Tensor norms = norms_on_host(x, 32);
    QVERIFY(std::isnan(norms[0][0].item<float>()));
    QCOMPARE(norms[0][1].item<float>(), 2.0F);
    QVERIFY(!std::isfinite(norms[0][2].item<float>()));
  }

  void replacesTheMaskedColumnsAlone_data() { add_examples(); }
  void replacesTheMaskedColumnsAlone() {
    const at::Tensor x = fetch_example();
    const Replacement replacement = example_replacement(x);
    replace_on_host(x, replacement.mask, replacement.values, 8);
    QVERIFY(at::equal(x, replacement.expected));
  }

  // Many captures in one transfer come out as each alone would, whatever their layout and type.
  void gatheredArraysEqualTheirTensors() {
    std::vector<at::Tensor> tensors;
    for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
      for (const bool transposed : {false, true}) tensors.push_back(example(5, 3, 16, dtype, transposed));
    }
    tensors.push_back(at::empty({0, 2, 4}));
    tensors.push_back(at::full({}, 2.5));
    const std::vector<qkscope::Array> arrays = qkscope::to_arrays(tensors);
    QCOMPARE(arrays.size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      QCOMPARE(arrays[i].shape, tensors[i].sizes().vec());
      QVERIFY(at::equal(qkscope::to_tensor(arrays[i], at::kCPU), tensors[i].to(at::kFloat)));
    }
    QVERIFY(qkscope::to_arrays({}).empty());
    if (!test::on_cpu()) {
      std::vector<at::Tensor> on_gpu;
      for (const at::Tensor& tensor : tensors) on_gpu.push_back(tensor.to(at::kCUDA));
      QVERIFY(qkscope::to_arrays(on_gpu) == arrays);
    }
  }

  // The same on a GPU, through the operators that the engine calls.
  void operatorsOnTheGpuEqualATen_data() {
    std::string why_not;
    if (!qkscope::load_cuda_plugin(&why_not)) QSKIP(("no GPU test: " + why_not).c_str());
    add_examples();
  }
  void operatorsOnTheGpuEqualATen() {
    auto& dispatcher = c10::Dispatcher::singleton();
    const auto norms =
        dispatcher.findSchemaOrThrow("qkscope::column_norms", "").typed<at::Tensor(const at::Tensor&)>();
    const auto replace = dispatcher.findSchemaOrThrow("qkscope::replace_columns_", "")
                             .typed<at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&)>();
    const at::Tensor x = fetch_example();
    at::Tensor on_gpu = x.to(at::kCUDA);
    const double error = largest_relative_error(norms.call(on_gpu).cpu(), x.to(at::kDouble).norm(2, 0));
    QVERIFY2(error < 3e-7, qPrintable(QString::number(error)));
    const Replacement replacement = example_replacement(x);
    replace.call(on_gpu, replacement.mask.to(at::kCUDA), replacement.values.to(at::kCUDA));
    QVERIFY(at::equal(on_gpu.cpu(), replacement.expected));
  }

  /// Summaries of activations against the plain form of the same: every number looked at.
  void summaries() {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(std::uint64_t(5));
    for (const std::int64_t dims : {7, 8}) {
      at::Tensor x = at::randn({5, dims}, generator, at::kFloat);
      x[3][2] = -40;
      x[0][1] = 30;
      const Array array = to_array(x);
      std::vector<float> sizes;
      for (const float value : array.data) sizes.push_back(std::abs(value));
      std::ranges::sort(sizes);
      const float median = sizes[(sizes.size() - 1) / 2];
      const ActivationSummary found = summarize(x, {1, 3}, 2);
      QCOMPARE(found.median, median);
      QCOMPARE(found.top, (std::vector<ActivationAt>{{3, 2, -40}, {0, 1, 30}}));
      std::vector<ActivationAt> expected;
      for (int t = 0; t < 5; ++t) {
        for (int c = 0; c < dims; ++c) {
          const float value = array.at(t, c);
          if (std::abs(value) > 1 && std::abs(value) > 3 * median) expected.push_back({t, c, value});
        }
      }
      QVERIFY(expected.size() > 2);
      QCOMPARE(found.massive, expected);
      // A stricter rule is answered from what a looser one kept.
      for (const ActivationRule rule : {ActivationRule{35, 0}, ActivationRule{1, 50}, ActivationRule{1, 3}})
        QCOMPARE(found.taken_by(rule), summarize(x, rule, 2).massive);
      QCOMPARE(summarize(x, {1, 3}, 999).top.size(), sizes.size());
      QVERIFY(found.largest.empty());
      const auto largest = summarize(x, {1, 3}, 2, true).largest;
      QCOMPARE(largest.size(), std::size_t(5));
      for (int t = 0; t < 5; ++t) {
        const ActivationAt& at = largest[static_cast<std::size_t>(t)];
        QCOMPARE(at.position, t);
        QCOMPARE(at.value, array.at(t, at.dim));
        for (int c = 0; c < dims; ++c) QVERIFY(std::abs(array.at(t, c)) <= std::abs(at.value));
      }
    }
    QVERIFY(summarize(at::full({2, 2}, 100.0f), {100, 1}, 1).massive.empty());  // over, not at
    QKSCOPE_EXPECT_ERROR(summarize(at::zeros({2, 3, 4}), {}, 1), "(2, 3, 4)", "hidden_size");
    QKSCOPE_EXPECT_ERROR(summarize(at::zeros({0, 4}), {}, 1), "(0, 4)");
  }

  /// The pass over a CPU's memory says what libtorch's operators say, on one thread and on several, for
  /// whatever numbers: many, few, all equal, none finite; a median within and at the edge of an octave;
  /// stored as bfloat16, or not in one piece.
  void summariesOfAnything_data() {
    QTest::addColumn<int>("rows");
    QTest::addColumn<int>("dims");
    QTest::addColumn<QString>("kind");
    for (const char* kind :
         {"normal", "cubes", "octaves", "equal", "zero", "infinite", "NaN", "bfloat16", "columns", "tiny"}) {
      for (const auto& [rows, dims] :
           {std::pair(1, 1), std::pair(1, 9), std::pair(40, 3), std::pair(70, 577)})
        QTest::addRow("%s %d x %d", kind, rows, dims) << rows << dims << QString::fromLatin1(kind);
    }
  }
  void summariesOfAnything() {
    QFETCH(int, rows);
    QFETCH(int, dims);
    QFETCH(QString, kind);
    auto generator = at::make_generator<at::CPUGeneratorImpl>(std::uint64_t(11));
    at::Tensor x = at::randn({rows, dims}, generator, at::kFloat);
    if (kind == u"cubes") x = x.pow(3) * 50;
    if (kind == u"octaves") x = at::exp2(x.round() * 3);
    if (kind == u"equal") x = at::full_like(x, -2.0f);
    if (kind == u"zero") x = at::where(x.gt(0.5), x, 0.0f);
    if (kind == u"infinite") x = at::where(x.gt(2), std::numeric_limits<float>::infinity(), x);
    if (kind == u"NaN") x = at::where(x.gt(0), x, std::numeric_limits<float>::quiet_NaN());
    if (kind == u"bfloat16") x = x.to(at::kBFloat16);
    if (kind == u"columns") x = at::randn({dims, rows}, generator, at::kFloat).t();
    if (kind == u"tiny") x = x * 1e-41f;
    const int threads = at::get_num_threads();
    for (const ActivationRule rule : {ActivationRule{0, 3}, ActivationRule{1.5, 0}, ActivationRule{0, 0},
                                      ActivationRule{1e9, 1e9}, ActivationRule{}}) {
      for (const int top : {0, 1, 3, 1000000}) {
        if (top != 3 && rule.times_median != 3) continue;
        const auto alone = summarize_on_device({x}, rule, top, true);
        const auto among =
            summarize_on_device({x.flip(0), x, x.narrow(0, 0, 1), at::ones({2, 3})}, rule, top, true);
        QCOMPARE(among.size(), std::size_t{4});
        QVERIFY(among[3].median == 1);
        for (const int count : {1, 3}) {
          const ActivationSummary& expected = count == 1 ? alone[0] : among[1];
          at::set_num_threads(count);
          const ActivationSummary found = summarize(x, rule, top, true);
          at::set_num_threads(threads);
          // NaN is not equal to itself, and of equal numbers the operators take any.
          const auto same = [](const std::vector<ActivationAt>& a, const std::vector<ActivationAt>& b,
                               bool same_places) {
            return std::ranges::equal(a, b, [&](const ActivationAt& one, const ActivationAt& other) {
              const bool both_nan = std::isnan(one.value) && std::isnan(other.value);
              return (both_nan || std::abs(one.value) == std::abs(other.value)) &&
                     (!same_places || (one.position == other.position && one.dim == other.dim));
            });
          };
          QVERIFY(found.median == expected.median ||
                  (std::isnan(found.median) && std::isnan(expected.median)));
          QVERIFY(same(found.top, expected.top, false));
          QVERIFY(same(found.massive, expected.massive, true));
          QVERIFY(same(found.largest, expected.largest, true));
          for (const ActivationAt& each : found.top) {
            const auto value = x[each.position][each.dim].to(at::kFloat).item<float>();
            QVERIFY(value == each.value || (std::isnan(value) && std::isnan(each.value)));
          }
        }
      }
    }
  }

  void aMissingGpuIsNamedInWords() {
    std::string why_not;
    const bool usable = qkscope::load_cuda_plugin(&why_not);
    QCOMPARE(usable, why_not.empty());
    QCOMPARE(QString::fromStdString(qkscope::cuda_unavailable_reason()), QString::fromStdString(why_not));
    QCOMPARE(!qkscope::cuda_devices().empty(), usable);
    for (const qkscope::CudaDevice& device : qkscope::cuda_devices()) {
      QVERIFY(!device.name.empty());
      QVERIFY(device.free_bytes > 0 && device.free_bytes <= device.total_bytes);
    }
  }

  /// In libtorch's words for it: the next smaller way is the CPU. What is missing on the host is said of the
  /// host.
  void noMemoryOnAGpuOffersTheCpu() {
    ModelCard card;
    card.device = "cuda:0";
    const auto told = [&card](const std::function<void()>& work) {
      return test::error_of([&] {
        telling_failures(at::Device("cuda:0"), "A pass over 9 tokens",
                         "give a shorter prompt" + smaller_way(card), work);
      });
    };
    const std::string text = told([] {
      throw c10::OutOfMemoryError(
          {__func__, __FILE__, __LINE__},
          "CUDA out of memory. Tried to allocate 1.50 GiB. GPU 0 has a total capacity of 79.11 GiB.");
    });
    QVERIFY2(
        test::has_all(text, {"A pass over 9 tokens needs 1536 MiB more and ", " MiB are free on cuda:0; ",
                             "give a shorter prompt, compute on the CPU (device cpu), or close"}),
        text.c_str());
    QVERIFY(test::has_all(told([] { throw std::bad_alloc(); }), {" MiB are free on cpu; "}));
  }
};

}  // namespace

QTEST_GUILESS_MAIN(TestKernels)
#include "test_kernels.moc"
