# SPDX-License-Identifier: GPL-3.0-or-later
"""Where artalk's buttons stand in Blender's own menus, which is also where its search (F3) looks."""

import bpy


class ARTALK_MT_speech(bpy.types.Menu):
    """What can be done with speech: in the sequencer and for an object"""

    bl_label = "Speech Animation"

    def draw(self, _context: bpy.types.Context | None) -> None:
        """Generate first, then what is done with lines that are there."""
        layout = self.layout
        assert layout is not None
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("artalk.generate", icon="PLAY")
        layout.operator("artalk.generate_all", icon="SEQUENCE")
        layout.operator("artalk.regenerate", icon="FILE_REFRESH")
        layout.operator_menu_enum("artalk.remove_lines", "which", icon="TRASH")
        layout.separator()
        layout.operator("artalk.show_edits", icon="RESTRICT_SELECT_OFF")
        layout.operator_menu_enum("artalk.drop_edits", "where", icon="LOOP_BACK")
        layout.operator_menu_enum("artalk.preset", "name", icon="PRESET")
        layout.operator("artalk.follow_sliders", icon="FCURVE")
        layout.operator("artalk.reduce", icon="IPO_BEZIER")
        layout.operator("artalk.loosen", icon="KEYFRAME")
        layout.separator()
        layout.operator("artalk.check_movement", icon="QUESTION")
        layout.operator("artalk.copy_report", icon="COPYDOWN")


def _draw_speech(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    assert menu.layout is not None
    menu.layout.separator()
    menu.layout.menu("ARTALK_MT_speech", icon="SPEAKER")


def _draw_heads(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    assert menu.layout is not None
    menu.layout.menu("ARTALK_MT_heads", text="Talking Head", icon="USER")


def _draw_imports(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    assert menu.layout is not None
    menu.layout.operator("artalk.import_flame", text="FLAME Head (.pkl, .npz, .pt)")
    menu.layout.operator("artalk.import_free_head", text="ICT-FaceKit Head (.obj)")


_PLACES = (
    ("SEQUENCER_MT_strip", _draw_speech),
    ("SEQUENCER_MT_context_menu", _draw_speech),
    ("VIEW3D_MT_object_animation", _draw_speech),
    ("VIEW3D_MT_add", _draw_heads),
    ("TOPBAR_MT_file_import", _draw_imports),
)


def register() -> None:
    """Add our entries."""
    bpy.utils.register_class(ARTALK_MT_speech)
    for name, draw in _PLACES:
        getattr(bpy.types, name).append(draw)


def unregister() -> None:
    """Take them away."""
    for name, draw in reversed(_PLACES):
        getattr(bpy.types, name).remove(draw)
    bpy.utils.unregister_class(ARTALK_MT_speech)
