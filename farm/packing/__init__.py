"""What a .blend needs from the disk, and one archive of it all, for a farm that has none of it.

blender-asset-tracer reads the files (no Blender is needed), but its own tracer is not used: it does not
find image sequences whose number is not at the end of the name, `<UVTILE>` tiles, movie clips and Alembic
caches of several files, IES profiles and OSL scripts in node groups, files that geometry nodes import,
caches of soft bodies and rigid bodies, and asks for files that nothing in the scene uses. So pointers are
followed here from the scene itself to whatever it reaches, in any version's data.
"""
