// What versions without a console tree lack: 6.49 and 7.1 to 7.8 are checked against the tree of
// 7.9 less this list. Sources: MikroTik's manual and a digest of its changelogs. By hand, so it may
// lack something (docs/assumptions.md, "What the deny list rests on").
//
// Threads:  read-only.
#pragma once

#include "absl/strings/string_view.h"

namespace muster::routeros {

// "/menu/command", or "/menu/command argument"; in the root ":command".
// Found on every version before `since`, whatever a tree has.
struct Denied {
  absl::string_view since;
  absl::string_view what;
};

inline constexpr Denied kDenied[] = {
    {"7.1", ":rndnum"},
    {"7.1", ":rndstr"},
    {"7.1", ":timestamp"},
    {"7.1", ":tobool"},
    {"7.4", ":retry"},
    {"7.8", ":execute as-string"},
    {"7.11", ":convert"},
    {"7.12", ":jobname"},
    {"7.13", ":onerror"},
    {"7.13", ":serialize"},
    {"7.13", ":deserialize"},
    {"7.16", ":lock"},
    {"7.22", ":exit"},
    {"7.22", ":break"},
    {"7.22", ":continue"},
    {"7.20", ":for on-error"},
    {"7.20", ":foreach on-error"},
    {"7.16", ":import dry-run"},
    {"7.13", "/tool/fetch http-content-encoding"},
    {"7.13", "/tool/fetch http-auth-scheme"},
    {"7.15", "/tool/fetch idle-timeout"},
    {"7.18", "/tool/fetch http-max-redirect-count"},
    {"7.22", "/tool/fetch http-version"},
    {"7.1", "/certificate/import name"},
    {"7.1", "/certificate/import as-value"},
    {"7.16", "/certificate/import trusted"},
    {"7.22", "/certificate/import trust-store"},
    {"7.4", "/tool/netwatch/add type"},
    {"7.4", "/tool/netwatch/add name"},
    {"7.4", "/tool/netwatch/add packet-count"},
    {"7.4", "/tool/netwatch/add packet-interval"},
    {"7.4", "/tool/netwatch/add packet-size"},
    {"7.4", "/tool/netwatch/add thr-avg"},
    {"7.4", "/tool/netwatch/add thr-max"},
    {"7.4", "/tool/netwatch/add thr-jitter"},
    {"7.4", "/tool/netwatch/add thr-stdev"},
    {"7.4", "/tool/netwatch/add thr-loss-percent"},
    {"7.4", "/tool/netwatch/add thr-loss-count"},
    {"7.4", "/tool/netwatch/add start-delay"},
    {"7.4", "/tool/netwatch/add startup-delay"},
    {"7.24", "/system/scheduler/add days"},
    {"7.1", "/interface/wireguard"},
    {"7.1", "/container"},
    {"7.1", "/system/device-mode"},
    {"7.13", "/file/read"},
    {"7.9", "/file/add"},
    {"7.18", "/safe-mode"},
};

}  // namespace muster::routeros
