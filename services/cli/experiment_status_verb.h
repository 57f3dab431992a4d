// `espalier experiment status`: the verdict on a running experiment, from its document and the logged events.
#ifndef ESPALIER_SERVICES_CLI_EXPERIMENT_STATUS_VERB_H_
#define ESPALIER_SERVICES_CLI_EXPERIMENT_STATUS_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

// `experiment` is what AddExperimentVerbs returned.
void AddExperimentStatusVerb(Cli& cli, CLI::App* experiment);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_EXPERIMENT_STATUS_VERB_H_
