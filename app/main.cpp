#include "app/application.h"

int main(int argc, char** argv) {
  return qkscope::runApplication(argc, argv);
}
