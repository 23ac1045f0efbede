// Models as llama.cpp's converter writes them compute what transformers computes from the checkpoints that
// were converted (tests/goldens/make_gguf.py), family by family.
#include "tests/support/golden_model.h"

using namespace qkscope;
using test::golden;

namespace {

const c10::InferenceMode inference;

}  // namespace

class TestGgufModels : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsTransformers_data() {
    QTest::addColumn<QString>("name");
    for (const auto& entry : std::filesystem::directory_iterator(golden("gguf"))) {
      if (entry.path().extension() != ".gguf") continue;
      const std::string name = entry.path().stem().string();
      QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
  }
  void equalsTransformers() {
    QFETCH(QString, name);
    const std::string path = golden(("gguf/" + name.toStdString()).c_str()).string();
    const auto checkpoint = Checkpoint::open(path + ".gguf");
    const Decoder decoder = test::read_decoder(checkpoint);
    const ArrayFile expected = read_safetensors(path + ".safetensors");
    const auto& ids = expected.integers.at("prompt");
    const at::Tensor logits = test::forward(decoder, {ids.begin(), ids.end()}, {}).logits;
    const at::Tensor truth = to_tensor(expected.arrays.at("logits"), at::kCPU);
    if (name.endsWith(QLatin1String("q8_0"))) {
      // Quantized, the numbers are others; an expert that is read from the wrong place is another model.
      const double rms = ((logits - truth).norm() / truth.norm()).item<double>();
      QVERIFY2(rms < 0.1, ("relative error " + std::to_string(rms)).c_str());
    } else {
      const double e = test::relative_error(logits, truth);
      QVERIFY2(e < 1e-4, ("largest relative error " + std::to_string(e)).c_str());
    }
    for (const TensorEntry& tensor : checkpoint->tensors()) {
      const bool of_rope = tensor.name.starts_with("rope_f");
      QVERIFY2(of_rope || decoder.weights().names().contains(tensor.name),
               (tensor.name + " is not used").c_str());
    }
  }
};

QTEST_GUILESS_MAIN(TestGgufModels)
#include "test_gguf_models.moc"
