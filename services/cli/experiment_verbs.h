// `espalier experiment ...`: the verbs that need nothing but documents.
#ifndef ESPALIER_SERVICES_CLI_EXPERIMENT_VERBS_H_
#define ESPALIER_SERVICES_CLI_EXPERIMENT_VERBS_H_

#include "services/cli/cli.h"

namespace espalier {

// Adds `experiment` with `validate` and `list`, and returns it, so that others can add their verbs to it.
CLI::App* AddExperimentVerbs(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_EXPERIMENT_VERBS_H_
