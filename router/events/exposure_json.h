// An exposure as a line of JSON, for logs other than events.db.
#ifndef ESPALIER_ROUTER_EVENTS_EXPOSURE_JSON_H_
#define ESPALIER_ROUTER_EVENTS_EXPOSURE_JSON_H_

#include <string>

#include "router/events/exposure.h"

namespace espalier {

// One object with the columns of the table `exposures` (docs/events-db.md) in their order:
//
//   {"event_id":"7130316800000000000","time_micros":1700000000000000,"experiment":"e",...,"features":null}
//
// The event id is a text, as in outcomes, for it is more than JavaScript can count. `layer_slot` is null
// without a layer, `scores` and `features` where there are none; a float is the shortest text that reads back
// as it, and "NaN", "Infinity" or "-Infinity" where it is no number. Texts are UTF-8; `probabilities` is
// JSON.
std::string ExposureJson(const Exposure& exposure);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EVENTS_EXPOSURE_JSON_H_
