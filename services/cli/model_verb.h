// `espalier model`: the group of verbs about models, and `model inspect FILE`, which needs no server.
#ifndef ESPALIER_SERVICES_CLI_MODEL_VERB_H_
#define ESPALIER_SERVICES_CLI_MODEL_VERB_H_

#include "services/cli/cli.h"

namespace espalier {

// Adds the group with `inspect`, and returns it for further verbs below it.
CLI::App* AddModelVerb(Cli& cli);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_MODEL_VERB_H_
