#pragma once
#include <QKeySequence>
#include <QString>
#include <functional>
#include <vector>

#include "views/view.h"

namespace qkscope {

/// Where a view stands in the default layout.
enum class Place { Left, Centre, Right, Bottom };

/// One view as menus, docks, shortcuts, screenshots and the paint test know it.
struct ViewEntry {
  QString id;     // "overview": stable, used for the layout and on the command line
  QString title;  // registered as QT_TRANSLATE_NOOP("Views", ...); translated when read from viewRegistry()
  Place place = Place::Centre;
  int order = 0;  // within its place
  QKeySequence shortcut;
  std::function<View*(ViewState&, QWidget*)> make;
  bool at_start = true;  // shown in the default layout; else View > Panels brings it
};

/// All views, sorted by place and order; ask once there is an application and its translators are installed.
/// Each *_view.cpp adds itself with a static ViewRegistration.
const std::vector<ViewEntry>& viewRegistry();

struct ViewRegistration {
  explicit ViewRegistration(ViewEntry entry);
};

}  // namespace qkscope
