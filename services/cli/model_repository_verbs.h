// `espalier model list / show / load / unload / label`: the versions of a running server, and labels of a
// repository directory.
#ifndef ESPALIER_SERVICES_CLI_MODEL_REPOSITORY_VERBS_H_
#define ESPALIER_SERVICES_CLI_MODEL_REPOSITORY_VERBS_H_

#include "services/cli/cli.h"

namespace espalier {

// Adds the verbs below the verb `model`.
void AddModelRepositoryVerbs(Cli& cli, CLI::App* model);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_MODEL_REPOSITORY_VERBS_H_
