#include "services/cli/cli.h"
#include "services/cli/train_verb.h"

int main(int argc, char** argv) {
  espalier::Cli cli;
  espalier::AddTrainVerb(cli);
  return cli.Main(argc, argv);
}
