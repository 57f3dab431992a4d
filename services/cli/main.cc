#include "services/cli/analyze_verb.h"
#include "services/cli/assign_verb.h"
#include "services/cli/cli.h"
#include "services/cli/experiment_status_verb.h"
#include "services/cli/experiment_verbs.h"
#include "services/cli/model_repository_verbs.h"
#include "services/cli/model_verb.h"
#include "services/cli/outcome_verb.h"
#include "services/cli/predict_verb.h"
#include "services/cli/serve_verb.h"
#include "services/cli/train_verb.h"

int main(int argc, char** argv) {
  espalier::Cli cli;
  espalier::AddAnalyzeVerb(cli);
  espalier::AddAssignVerb(cli);
  espalier::AddExperimentStatusVerb(cli, espalier::AddExperimentVerbs(cli));
  espalier::AddModelRepositoryVerbs(cli, espalier::AddModelVerb(cli));
  espalier::AddOutcomeVerb(cli);
  espalier::AddPredictVerb(cli);
  espalier::AddServeVerb(cli);
  espalier::AddTrainVerb(cli);
  return cli.Main(argc, argv);
}
