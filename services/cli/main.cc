#include "services/cli/assign_verb.h"
#include "services/cli/cli.h"
#include "services/cli/experiment_verbs.h"
#include "services/cli/model_verb.h"
#include "services/cli/predict_verb.h"
#include "services/cli/train_verb.h"

int main(int argc, char** argv) {
  espalier::Cli cli;
  espalier::AddAssignVerb(cli);
  espalier::AddExperimentVerbs(cli);
  espalier::AddModelVerb(cli);
  espalier::AddPredictVerb(cli);
  espalier::AddTrainVerb(cli);
  return cli.Main(argc, argv);
}
