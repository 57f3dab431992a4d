#include "services/cli/cli.h"

int main(int argc, char** argv) {
  espalier::Cli cli;
  return cli.Main(argc, argv);
}
