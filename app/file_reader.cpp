#include "app/file_reader.h"

namespace qkscope {

void FileReader::read(Work work) {
  reading_ = true;
  const std::uint64_t number = ++number_;
  thread_.replace({{number, [this, number, work = std::move(work)](std::stop_token stop) {
                      auto then = work(stop);
                      if (!then) return;
                      QMetaObject::invokeMethod(this, [this, number, then = std::move(then)] {
                        if (!reading_ || number != number_) return;
                        reading_ = false;
                        then();
                        Q_EMIT ended();
                      });
                    }}});
}

void FileReader::stop() {
  reading_ = false;
  thread_.replace({});
}

}  // namespace qkscope
