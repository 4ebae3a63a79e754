# SPDX-License-Identifier: MIT
#
# Run by cpack once what it packs lies in its folder: each package of Debian and every other archive brings the licence, where its
# readers look for it, and folders are everybody's to read, whatever the umask of who packs. (tar gives them to those of /usr/local too.)

# place_license(TREE FILE): FILE below the documents in TREE
function(place_license TREE FILE)
  configure_file(${CPACK_RESOURCE_FILE_LICENSE} ${TREE}/${CPACK_PACKAGING_INSTALL_PREFIX}/share/doc/${FILE} COPYONLY NO_SOURCE_PERMISSIONS)
endfunction()

if(CPACK_GENERATOR STREQUAL "DEB")
  foreach(component ${CPACK_COMPONENTS_ALL})
    string(TOUPPER ${component} upper)
    place_license(${CPACK_TEMPORARY_DIRECTORY}/${component} ${CPACK_DEBIAN_${upper}_PACKAGE_NAME}/copyright)
  endforeach()
else()
  place_license(${CPACK_TEMPORARY_DIRECTORY} ${CPACK_PACKAGE_NAME}/LICENSE)
endif()

file(GLOB_RECURSE entries LIST_DIRECTORIES true ${CPACK_TEMPORARY_DIRECTORY}/*)
foreach(entry ${entries})
  if(IS_DIRECTORY ${entry} AND NOT IS_SYMLINK ${entry})
    file(CHMOD ${entry} DIRECTORY_PERMISSIONS
      OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endif()
endforeach()
