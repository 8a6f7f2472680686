/* mantine: the components that the rest of the UI uses; another library would be put in here. */
export {
    ActionIcon, Alert, Anchor, Autocomplete, Badge, Button, Checkbox, CloseButton, Combobox, Drawer, Group, Kbd, Loader, Modal,
    MultiSelect, NumberInput, SegmentedControl, Select, Stack, Switch, Tabs, TagsInput, Text, TextInput, Textarea,
    UnstyledButton, VisuallyHidden, useCombobox, useComputedColorScheme, useMantineColorScheme,
} from '@mantine/core';
export { useClickOutside, useDebouncedValue, useElementSize, useHotkeys, useLocalStorage, useMediaQuery } from '@mantine/hooks';
