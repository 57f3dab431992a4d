// `espalier predict`: predicts a file of rows with a model file, without a server.
#ifndef ESPALIER_SERVICES_CLI_PREDICT_VERB_H_
#define ESPALIER_SERVICES_CLI_PREDICT_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

void AddPredictVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_PREDICT_VERB_H_
