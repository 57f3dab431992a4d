// `espalier train`: trains a model on a table and puts it into a repository.
#ifndef ESPALIER_SERVICES_CLI_TRAIN_VERB_H_
#define ESPALIER_SERVICES_CLI_TRAIN_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddTrainVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_TRAIN_VERB_H_
